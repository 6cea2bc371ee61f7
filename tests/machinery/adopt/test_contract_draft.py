"""A drafted contract holds for other rows of the same kind, and notices rows of another."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.adopt import raw_file
from lifecycle.adopt.columns import describe
from lifecycle.adopt.contract_draft import draft
from lifecycle.core import contract
from lifecycle.core.config import Data
from lifecycle.core.raw_table import read_raw

ROWS = 400
HALVES = 20


@pytest.fixture
def drafted(tmp_path: Path) -> tuple[pd.DataFrame, pa.DataFrameSchema]:
    """A table of every kind of column, and the contract that is drafted from it."""
    generator = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "year": generator.integers(2007, 2010, ROWS),
            "flag": generator.integers(0, 2, ROWS),
            "count": generator.poisson(3, ROWS),
            "amount": np.round(generator.lognormal(5, 1, ROWS), 2),
            "change": np.round(generator.normal(0, 1e-4, ROWS), 7),
            "region": generator.choice(["north", "south", "No", "null"], ROWS),
            "agreed": generator.choice([True, False], ROWS),
            "code": [f"{number:06}" for number in generator.integers(0, 10**6, ROWS)],
            "seen": pd.Timestamp("2025-01-01") + pd.to_timedelta(generator.integers(0, 300, ROWS), unit="D"),
            "gap": np.where(generator.random(ROWS) < 0.3, np.nan, generator.normal(size=ROWS).round(3)),
            "1e3": generator.choice([0.5, 1.5], ROWS),
            "constant": -0.333,
            "nearly": 1e12 + generator.choice([0.0, 0.25], ROWS),
        }
    )
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    file = raw_file.read(path)
    columns = {name: describe(name, values) for name, values in file.columns.items()}
    (tmp_path / "contract.yaml").write_text(draft(columns, None, None, "package"))
    schema = contract.load(tmp_path / "contract.yaml", _package())
    data = Data(raw=path, csv=file.csv, id="code", target="flag")
    return read_raw(path, schema, data), schema


def _package() -> str:
    from lifecycle.core import config

    return config.load().package


def failed(frame: pd.DataFrame, schema: pa.DataFrameSchema) -> list[tuple[Any, str]]:
    records = contract.validate(frame, schema, "code")
    return [(record["column"], record["check"].partition("(")[0]) for record in records if not record["passed"]]


@pytest.mark.parametrize("seed", range(HALVES))
def test_a_half_of_the_table_keeps_the_draft(drafted: tuple[pd.DataFrame, pa.DataFrameSchema], seed: int) -> None:
    frame, schema = drafted

    assert failed(frame.sample(frac=0.5, random_state=seed), schema) == []


BROKEN: dict[str, tuple[str, Any, str]] = {
    "next year": ("year", 2010, ""),
    "a somewhat larger amount": ("amount", None, ""),
    "a year far away": ("year", 20100, "in_range"),
    "another flag": ("flag", 2, "isin"),
    "a count below zero": ("count", -1, "in_range"),
    "an amount of another order": ("amount", 1e9, "in_range"),
    "another region": ("region", "east", "isin"),
}


@pytest.mark.parametrize(("column", "value", "check"), BROKEN.values(), ids=BROKEN)
def test_a_row_of_another_kind_breaks_the_draft_and_a_new_one_of_the_same_does_not(
    drafted: tuple[pd.DataFrame, pa.DataFrameSchema], column: str, value: Any, check: str
) -> None:
    frame, schema = drafted
    values = frame[column].astype(object)
    values.iloc[0] = values.max() * 1.2 if value is None else value
    frame[column] = values.astype(frame[column].dtype if column != "region" else "category")

    assert failed(frame, schema)[:1] == ([(column, check)] if check else [])


def test_a_shifted_mean_and_more_nulls_break_the_draft(drafted: tuple[pd.DataFrame, pa.DataFrameSchema]) -> None:
    frame, schema = drafted

    assert ("amount", "mean_between") in failed(frame.assign(amount=frame["amount"] * 3), schema)
    assert ("gap", "null_share_at_most") in failed(frame.assign(gap=frame["gap"].where(frame["gap"] > 0)), schema)


def test_an_integer_has_whole_bounds_and_no_list_where_new_values_will_come(
    drafted: tuple[pd.DataFrame, pa.DataFrameSchema],
) -> None:
    _, schema = drafted
    bounds = {check.name: check.statistics for check in schema.columns["year"].checks}

    assert bounds["in_range"]["min_value"] == 2004
    assert isinstance(bounds["in_range"]["min_value"], int)
    assert [check.name for check in schema.columns["code"].checks] == []


def test_the_command_prints_a_draft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lifecycle.cli import main

    (tmp_path / "table.csv").write_text("code,amount\n" + "".join(f"0{row},{row}.5\n" for row in range(10, 60)))

    with pytest.raises(SystemExit) as done:
        main(["contract", str(tmp_path / "table.csv")])

    (tmp_path / "contract.yaml").write_text(capsys.readouterr().out)
    columns = contract.load(tmp_path / "contract.yaml", _package()).columns
    assert done.value.code == 0
    assert str(columns["code"].dtype).startswith("str")
    assert str(columns["amount"].dtype) == "float64"
