from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.core import config, contract
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError


def failures(frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params) -> dict[tuple[str, str], dict]:
    records = contract.validate(frame, schema, params.data.id)
    return {(record["column"], record["check"].partition("(")[0]): record for record in records if not record["passed"]}


def test_the_sample_keeps_the_contract_and_every_check_is_reported(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params
) -> None:
    records = contract.validate(frame, schema, params.data.id)

    assert all(record["passed"] for record in records)
    for name, column in schema.columns.items():
        checks = [record["check"] for record in records if record["column"] == name]
        assert len(checks) == len(set(checks)) >= 2 + len(column.checks)


def test_a_missing_and_an_unexpected_column_are_named(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params
) -> None:
    broken = failures(frame.rename(columns={"tenure": "tenur"}), schema, params)

    assert ("tenure", "column_in_dataframe") in broken
    assert ("tenur", "column_in_schema") in broken


def test_a_value_out_of_range_is_counted_and_shown_with_its_id(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params
) -> None:
    frame.loc[[3, 7, 9, 11, 13, 15, 17], "tenure"] = -5

    record = failures(frame, schema, params)["tenure", "in_range"]

    assert record["failures"] == 7
    assert record["examples"][0] == f"{params.data.id} {frame[params.data.id][3]}: -5"
    assert len(record["examples"]) == contract.MAX_EXAMPLES
    assert "in 7 rows" in contract.describe([record])
    assert contract.describe([record]).endswith(", ...)")


def test_a_category_never_seen_is_refused(frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params) -> None:
    frame["contract"] = frame["contract"].cat.rename_categories({"One year": "Ten years"})

    assert "Ten years" in failures(frame, schema, params)["contract", "isin"]["examples"][0]


def test_a_null_is_refused_where_the_contract_forbids_it(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params
) -> None:
    frame.loc[5, "monthly_charges"] = None

    assert failures(frame, schema, params)["monthly_charges", "not_nullable"]["failures"] == 1


def test_an_id_that_returns_with_other_values_is_refused(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params
) -> None:
    frame[params.data.id] = frame[params.data.id].replace({"C00006": "C00005"})

    assert failures(frame, schema, params)[params.data.id, "field_uniqueness"]["failures"] == 2


def test_a_wrong_type_is_refused(frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params) -> None:
    frame["tenure"] = frame["tenure"].astype("float64")

    assert ("tenure", "dtype") in failures(frame, schema, params)


@pytest.mark.parametrize(
    ("column", "spoil", "check"),
    [
        ("tenure", lambda values: values + 60, "mean_between"),
        ("total_charges", lambda values: values.where(values.index % 2 == 0), "null_share_at_most"),
        ("monthly_charges", lambda values: values * 0 + 70, "unique_share_between"),
    ],
)
def test_a_column_whose_distribution_moves_is_refused(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params, column: str, spoil, check: str
) -> None:
    frame[column] = spoil(frame[column])

    record = failures(frame, schema, params)[column, check]

    assert record["failures"] == 1
    assert record["examples"][0].startswith("found ")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("strict: true", "strict: [", "not valid YAML"),
        ("strict: true", "stict: true", "'stict' is not a supported key of a schema"),
        ("    mean_between", "    men_between", "nor a check (did you mean mean_between?)"),
        ("nullable: true", "nulable: true", "'nulable' is neither"),
        ("dtype: int64", "dtype: integr", "integr"),
        ("in_range: {min_value: 0, max_value: 120}", "in_range: {min_value: 9, max_value: 1}", "empty interval"),
        (
            "mean_between: {min_value: 0.4, max_value: 0.6}",
            "mean_between: {min_value: 0.4}",
            "mean_between lacks max_value",
        ),
        ("    nullable: true", "    nullable: no", "nullable is 'no': write true or false"),
        ("    nullable: true", "    drop_invalid_rows: true", "'drop_invalid_rows' is neither"),
        ("strict: true", "strict: true\nordered: true", "'ordered' is not a supported key of a schema"),
        ("strict: true", "strict: true\nunique: [nope]", "unique names column 'nope'"),
        ("  tenure:", "  5:", "column 5: expected a name"),
        ("\ncolumns:", "\ncolumn:", "'column' is not a supported key"),
    ],
)
def test_a_contract_that_pandera_would_half_read_is_refused(
    params: Params, tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    path = tmp_path / "contract.yaml"
    text = config.CONTRACT.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(ConfigError, match=r"contract\.yaml") as error:
        contract.load(path, params.package)

    assert complaint in str(error.value)


@pytest.mark.parametrize("dtype", ["category", "str"])
def test_values_that_are_one_text_are_refused_in_a_column_of_texts(dtype: str, tmp_path: Path, params: Params) -> None:
    """Values are read as texts: a server's categories, which must be distinct, would hold one twice."""
    path = tmp_path / "contract.yaml"
    path.write_text(f"columns:\n  code: {{dtype: {dtype}, isin: [1, 2, '1', A]}}\n")

    with pytest.raises(ConfigError, match=r"column code: isin lists the text 1 more than once \(1 and '1'\)"):
        contract.load(path, params.package)
