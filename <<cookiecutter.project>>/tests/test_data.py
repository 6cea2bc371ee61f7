"""The table is one that the task can be learned from."""

import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.core.config import Params
from lifecycle.pipeline.split import SIDES, check_classes, split
from lifecycle.pipeline.validate import check_params, check_target


@pytest.fixture(scope="session")
def sides(dataset: pd.DataFrame, params: Params) -> pd.Series:
    return split(dataset, params.split, params.data)


def test_params_name_columns_of_the_contract(schema: pa.DataFrameSchema, params: Params) -> None:
    check_params(params, list(schema.columns))


def test_the_id_identifies_a_row(dataset: pd.DataFrame, params: Params) -> None:
    assert dataset[params.data.id].notna().all()
    assert dataset[params.data.id].is_unique


def test_the_target_fits_the_task(dataset: pd.DataFrame, params: Params) -> None:
    assert [record["examples"] for record in check_target(dataset, params)] == [[]]


def test_every_side_of_the_split_has_rows(sides: pd.Series) -> None:
    assert set(sides.dropna().unique()) == set(SIDES)


def test_classes_on_every_side_can_be_told_apart(dataset: pd.DataFrame, sides: pd.Series, params: Params) -> None:
    target = dataset[params.data.target]

    if params.task != "regression":
        check_classes(target, sides)
    assert (target.groupby(sides, observed=True).nunique() >= 2).all()
