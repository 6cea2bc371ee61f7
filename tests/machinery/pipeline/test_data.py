import pandas as pd

from lifecycle.pipeline.data import drop_repeated_rows


def test_only_rows_that_repeat_in_full_are_dropped(frame: pd.DataFrame) -> None:
    other = frame.iloc[[5]].assign(tenure=lambda row: row["tenure"] + 1)
    doubled = pd.concat([frame, frame.iloc[[3, 3, 8]], other])

    kept = drop_repeated_rows(doubled.reset_index(drop=True), "customer_id")

    pd.testing.assert_frame_equal(kept, pd.concat([frame, other], ignore_index=True))
