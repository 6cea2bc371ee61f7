import pandas as pd

from lifecycle.core.config import Params
from lifecycle.pipeline.data import drop_repeated_rows, labelled


def test_only_rows_that_repeat_in_full_are_dropped(frame: pd.DataFrame) -> None:
    other = frame.iloc[[5]].assign(tenure=lambda row: row["tenure"] + 1)
    doubled = pd.concat([frame, frame.iloc[[3, 3, 8]], other])

    kept = drop_repeated_rows(doubled.reset_index(drop=True), "customer_id")

    pd.testing.assert_frame_equal(kept, pd.concat([frame, other], ignore_index=True))


def test_rows_without_a_target_are_left_out_only_where_params_say_so(frame: pd.DataFrame, params: Params) -> None:
    frame.loc[[2, 5], "churn"] = None

    assert len(labelled(frame, params.data)) == len(frame)
    rows = labelled(frame, params.data.model_copy(update={"unlabelled": True}))
    pd.testing.assert_frame_equal(rows, frame.drop(index=[2, 5]).reset_index(drop=True))
