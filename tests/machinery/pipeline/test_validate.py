import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.time_settings import TimeSplit
from lifecycle.pipeline.validate import check_params, check_target, report


def with_data(params: Params, task: str, **data: object) -> Params:
    return params.model_copy(update={"task": task, "data": params.data.model_copy(update=data)})


def test_a_good_table_passes(frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params) -> None:
    content = report(frame, schema, params, params.data.raw)

    assert content["passed"]
    assert (content["rows"], content["columns"]) == frame.shape


def test_failed_checks_come_first(frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params) -> None:
    content = report(frame.assign(churn="Yes"), schema, params, params.data.raw)

    assert not content["passed"]
    assert [check["passed"] for check in content["checks"]] == sorted(check["passed"] for check in content["checks"])


@pytest.mark.parametrize(
    ("task", "data", "complaint"),
    [
        ("binary", {"target": "payment_method"}, "4 classes"),
        ("binary", {"positive": "yes"}, "no 'yes' (data.positive) among"),
        ("multiclass", {}, "2 classes"),
        ("multiclass", {"target": "customer_id"}, "1,500 classes"),
        ("regression", {}, "category, not a number"),
        ("regression", {"target": "total_charges"}, "nulls"),
    ],
)
def test_a_target_that_does_not_fit_the_task_fails(
    frame: pd.DataFrame, params: Params, task: str, data: dict, complaint: str
) -> None:
    frame.loc[3, "total_charges"] = None

    (record,) = check_target(frame, with_data(params, task, **data))

    assert not record["passed"]
    assert complaint in record["examples"][0]


def test_a_target_with_one_class_fails(frame: pd.DataFrame, params: Params) -> None:
    (record,) = check_target(frame[frame["churn"] == "No"], params)

    assert record["examples"] == ["1 classes (No)"]


@pytest.mark.parametrize(("task", "target"), [("multiclass", "contract"), ("regression", "monthly_charges")])
def test_a_target_that_fits_passes(frame: pd.DataFrame, params: Params, task: str, target: str) -> None:
    (record,) = check_target(frame, with_data(params, task, target=target))

    assert record["passed"]


def test_a_parameter_that_names_no_column_is_refused_before_training(
    params: Params, schema: pa.DataFrameSchema
) -> None:
    time = TimeSplit(column="signed_up", validation_from="2025-01-01", test_from="2025-02-01")
    for update in (
        {"data": params.data.model_copy(update={"target": "chrun"})},
        {"data": params.data.model_copy(update={"id": "customer"})},
        {"evaluate": params.evaluate.model_copy(update={"slices": ["region"]})},
        {"split": params.split.model_copy(update={"time": time})},
        {"split": params.split.model_copy(update={"group": "household"})},
        {"data": params.data.model_copy(update={"exclude": ["gendre"]})},
        {"data": params.data.model_copy(update={"formats": {"signed_up": "%d.%m.%Y"}})},
        {"data": params.data.model_copy(update={"id_from": ["gendre"]})},
    ):
        with pytest.raises(ConfigError, match=r"which contract\.yaml does not have"):
            check_params(params.model_copy(update=update), list(schema.columns))


def test_data_that_leave_the_model_nothing_or_the_target_are_refused(
    params: Params, schema: pa.DataFrameSchema
) -> None:
    columns = [*schema.columns, "prediction", "probability_Yes"]
    for data, complaint in (
        ({"exclude": ["churn"]}, "data.exclude names the target"),
        ({"exclude": params.data.inputs(columns)}, "leaves no column"),
        ({"id_from": ["tenure", "customer_id"]}, "data.id_from names the id"),
        ({"target": "prediction"}, "data.target is prediction, a column that predictions have"),
        ({"id": "probability_Yes"}, "data.id is probability_Yes, a column that predictions have"),
    ):
        with pytest.raises(ConfigError, match=complaint):
            check_params(params.model_copy(update={"data": params.data.model_copy(update=data)}), columns)
