from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.core.raw_table import read_and_count, read_raw
from lifecycle.pipeline.data import drop_repeated_rows


def test_only_rows_that_repeat_in_full_are_dropped(frame: pd.DataFrame) -> None:
    other = frame.iloc[[5]].assign(tenure=lambda row: row["tenure"] + 1)
    doubled = pd.concat([frame, frame.iloc[[3, 3, 8]], other])

    kept = drop_repeated_rows(doubled.reset_index(drop=True), "customer_id")

    pd.testing.assert_frame_equal(kept, pd.concat([frame, other], ignore_index=True))


def test_rows_without_a_target_are_left_out_only_where_params_say_so(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params, tmp_path: Path
) -> None:
    """Whatever the type of the target: an integer or a boolean cannot be missing in a table."""
    leave_out = params.data.model_copy(update={"unlabelled": True})
    for values, dtype in (
        (frame["churn"].astype("object"), "category"),
        (frame["female"], "int64"),
        (frame["female"] == 1, "bool"),
    ):
        path, rows = tmp_path / "rows.csv", frame.assign(churn=values.astype("object"))
        rows.loc[[2, 5], "churn"] = None
        rows.to_csv(path, index=False)
        typed = schema.update_column("churn", dtype=dtype, checks=[])

        kept, left_out = read_and_count(path, typed, leave_out)

        assert left_out == 2
        assert list(kept["customer_id"]) == list(frame.drop(index=[2, 5])["customer_id"])
        if dtype == "category":
            assert read_and_count(path, typed, params.data)[1] == 0
        else:
            with pytest.raises(DataError, match="2 values"):
                read_raw(path, typed, params.data)
