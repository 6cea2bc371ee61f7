"""Whatever the table: either one line that says what is wrong with it, or a draft that the table keeps, read as the pipeline reads it."""

import string
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecycle.adopt import params_file, search_file
from lifecycle.adopt.contract_draft import draft
from lifecycle.adopt.plan import Options, Plan, decide
from lifecycle.core import config, contract
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError, ProjectError
from lifecycle.core.estimator import make_estimator
from lifecycle.core.files import parse_yaml
from lifecycle.core.raw_table import read_raw
from lifecycle.pipeline.validate import check_params, check_target
from lifecycle.search.settings import Search

hypothesis = pytest.importorskip("hypothesis", reason="tests/test_machinery.py installs it")
st = hypothesis.strategies

ROOT = Path.cwd()
HALVES = 3
FEWEST_ADOPTED = 5  # of the tables that are tried: a reader that refuses all would pass otherwise

NAMES = st.one_of(
    st.text(string.ascii_letters + string.digits + " .%'_-äß漢", min_size=1, max_size=12).filter(lambda name: name.strip() == name),
    st.sampled_from(["index", "size", "1e3", "no", "null", "__index_level_0__", "row_id", "target", "shape", "T", "true", "x:y", "a{b}", "#n"]),
)  # fmt: skip
SPECIAL = st.sampled_from(["NA", "null", "?", "None", "No", "off", "1E5", "000123", "$1,200", "12%", "3,5", "31.12.2025", "2025-01-31", "-", "nan", "inf", "true"])  # fmt: skip
VALUES: list[Any] = [
    st.integers(-5, 5),
    st.integers(-(10**15), 10**15),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3)),
    st.booleans(),
    st.sampled_from(["a", "b", "c d", "é"]),
    SPECIAL,
    st.text(string.ascii_letters + "äß\n\"' ;,", max_size=20),
    st.dates(pd.Timestamp("1990-01-01").date(), pd.Timestamp("2030-01-01").date()),
    st.just(None),
    st.just("same"),
]


@st.composite
def tables(draw: Any) -> tuple[pd.DataFrame, str]:
    """A table, and the name of its target."""
    names = draw(st.lists(NAMES, min_size=2, max_size=7, unique_by=lambda name: name))
    rows = draw(st.sampled_from([3, 40, 60, 120]))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    columns = {}
    for name in names:
        pool = draw(st.lists(draw(st.sampled_from(VALUES)), min_size=1, max_size=rows))
        values = [pool[place] for place in generator.integers(0, len(pool), rows)]
        if draw(st.booleans()):
            values = [
                None if missing else value for value, missing in zip(values, generator.random(rows) < 0.1, strict=True)
            ]
        columns[name] = pd.Series(values, dtype=object)
    return pd.DataFrame(columns), draw(st.sampled_from(names))


def written(plan: Plan, path: Path) -> Params:
    """The parameters that `adopt` writes, checked."""
    text = params_file.rewrite((ROOT / config.PARAMS).read_text(encoding="utf-8"), plan, str(path))
    return Params.checked(parse_yaml(text, "params.yaml"), "params.yaml")


def check(path: Path, target: str) -> bool:
    """Check a table, and return whether it is adopted."""
    try:
        plan = decide(path, Options(target), seed=1)
    except ProjectError:  # anything else is a fault of ours
        return False
    params = written(plan, path)
    text = search_file.rewrite((ROOT / "search.yaml").read_text(encoding="utf-8"), plan)
    search = Search.checked(parse_yaml(text, "search.yaml"), "search.yaml")
    assert search.metric == ("rmse" if params.task == "regression" else "log_loss")
    assert {name.removeprefix("train.parameters.") for name in search.parameters} <= {
        *make_estimator(params).get_params()
    }
    text = draft(plan.columns, plan.key, plan.target, params.package)
    (path.parent / "contract.yaml").write_text(text, encoding="utf-8")
    schema = contract.load(path.parent / "contract.yaml", params.package)
    try:
        frame = read_raw(path, schema, params.data)
    except DataError as error:
        pytest.fail(f"the pipeline cannot read what was drafted: {error}\n{text}")
    check_params(params, list(schema.columns))
    assert list(schema.columns) == list(frame)
    assert len(frame) == plan.file.rows - plan.target.unlabelled
    assert [record for record in check_target(frame, params) if not record["passed"]] == []
    for seed in range(HALVES):
        half = frame.sample(frac=0.5, random_state=seed) if seed else frame
        failed = [record for record in contract.validate(half, schema, params.data.id) if not record["passed"]]
        assert failed == [], contract.describe(failed)
    return True


SETTINGS = hypothesis.settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    phases=[hypothesis.Phase.generate],  # what is generated is small
    suppress_health_check=list(hypothesis.HealthCheck),
)


def test_a_csv_file_is_adopted_or_refused_with_one_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    adopted = []

    @SETTINGS
    @hypothesis.given(tables(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["utf-8", "utf-16"]))
    def try_one(table: tuple[pd.DataFrame, str], separator: str, encoding: str) -> None:
        frame, target = table
        path = tmp_path_factory.mktemp("table") / "table.csv"
        frame.to_csv(path, index=False, sep=separator, encoding=encoding)
        adopted.append(check(path, target))

    try_one()

    assert sum(adopted) >= FEWEST_ADOPTED


def test_a_parquet_file_is_adopted_or_refused_with_one_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    adopted = []

    @SETTINGS
    @hypothesis.given(tables())
    def try_one(table: tuple[pd.DataFrame, str]) -> None:
        frame, target = table
        frame = frame.apply(as_one_type)
        path = tmp_path_factory.mktemp("table") / "table.parquet"
        frame.to_parquet(path, index=False)
        adopted.append(check(path, target))

    try_one()

    assert sum(adopted) >= FEWEST_ADOPTED


def as_one_type(column: pd.Series) -> pd.Series:
    """Values of several types as texts: Parquet has one type a column."""
    if column.map(type).nunique() <= 2:
        return column
    return column.map(lambda value: None if value is None else str(value))


def test_the_names_of_columns_are_quoted_where_yaml_would_take_them_for_something_else() -> None:
    from lifecycle.adopt.contract_draft import quoted

    for name in [
        "1e3",
        "no",
        "null",
        "a: b",
        "#x",
        "- x",
        "'",
        '"',
        "{a}",
        "1_000",
        "0x1F",
        "~",
        "true",
        "é",
        "Yes",
        "12:30",
    ]:
        assert parse_yaml(f"{quoted(name)}: 1", "test") == {name: 1}
