"""Features from the rows before a row: what comes later, or at the same moment, changes none of them."""

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import entity_history

hypothesis = pytest.importorskip("hypothesis", reason="tests/test_machinery.py installs it")
st = hypothesis.strategies

SETTINGS = hypothesis.settings(max_examples=25, deadline=None, derandomize=True)
START = pd.Timestamp("2024-01-01")
Row = tuple[str | None, int, float]
ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 12), st.floats(-1e6, 1e6, width=32)),
    min_size=1,
    max_size=25,
)


def table(rows: list[Row]) -> pd.DataFrame:
    entity, day, amount = zip(*rows, strict=True)
    days = START + pd.to_timedelta(list(day), unit="D")
    return pd.DataFrame({"account": list(entity), "bought": days, "amount": list(amount)})


def features(frame: pd.DataFrame) -> pd.DataFrame:
    sums = {
        f"{how} {window}": entity_history.rolling(
            frame, by="account", at="bought", value="amount", window=window, how=how
        )
        for how in ("sum", "mean", "min", "max", "count")
        for window in ("1D", "3D")
    }
    lags = {f"lag {n}": entity_history.lag(frame, by="account", at="bought", value="amount", rows=n) for n in (1, 2)}
    return pd.DataFrame(sums | lags)


def known_before(frame: pd.DataFrame, place: int, days: int) -> np.ndarray:
    """The amounts of the entity's earlier rows within some days, by moment."""
    row, ordered = frame.iloc[place], frame.sort_values("bought", kind="stable")
    age = row["bought"] - ordered["bought"]
    earlier = (ordered["account"] == row["account"]) & (age > pd.Timedelta(0)) & (age <= pd.Timedelta(days=days))
    return ordered.loc[earlier, "amount"].to_numpy()


@SETTINGS
@hypothesis.given(ROWS)
def test_a_feature_is_of_the_rows_before_a_row_and_of_no_others(rows: list[Row]) -> None:
    frame = table(rows)

    built = features(frame)

    for place, (entity, _, _) in enumerate(rows):
        for days in (1, 3):
            amounts = known_before(frame, place, days) if entity else np.array([])
            expected = [amounts.sum(), amounts.mean(), amounts.min(), amounts.max()] if len(amounts) else [np.nan] * 4
            got = [built[f"{how} {days}D"].iloc[place] for how in ("sum", "mean", "min", "max")]
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-6)
        every = known_before(frame, place, 10_000) if entity else np.array([])
        last = [every[-n] if len(every) >= n else np.nan for n in (1, 2)]
        np.testing.assert_array_equal([built["lag 1"].iloc[place], built["lag 2"].iloc[place]], last)


@SETTINGS
@hypothesis.given(ROWS, st.integers(0, 12))
def test_cutting_the_future_off_changes_no_feature(rows: list[Row], day: int) -> None:
    frame = table(rows)
    cut = frame["bought"] <= START + pd.Timedelta(days=day)

    pd.testing.assert_frame_equal(features(frame[cut]), features(frame)[cut], check_exact=True, check_dtype=False)


def test_rows_keep_their_order_and_their_index() -> None:
    frame = table([("a", 3, 30.0), ("b", 1, 1.0), ("a", 1, 10.0), ("a", 2, 20.0)]).set_axis([7, 7, 5, 3])

    spent = entity_history.rolling(frame, by="account", at="bought", value="amount", window="9D", how="sum")

    assert list(spent.index) == [7, 7, 5, 3]
    assert list(spent.fillna(-1)) == [30.0, -1.0, -1.0, 10.0]


@pytest.mark.parametrize("by", [["account", "shop"], "account"])
def test_an_entity_may_be_named_by_several_columns_and_have_a_time_zone(by: str | list[str]) -> None:
    frame = table([("a", 1, 1.0), ("a", 2, 2.0), ("a", 3, 4.0)]).assign(shop=["x", "y", "x"])
    frame["bought"] = frame["bought"].dt.tz_localize("UTC")
    frame["account"] = frame["account"].astype("category")

    last = entity_history.lag(frame, by=by, at="bought", value="amount")

    assert last.iloc[2] == (1.0 if isinstance(by, list) else 2.0)


def test_a_lag_of_text_is_text() -> None:
    frame = table([("a", 1, 1.0), ("a", 2, 2.0)]).assign(kind=pd.Series(["new", "old"], dtype="category"))

    assert entity_history.lag(frame, by="account", at="bought", value="kind").tolist()[1] == "new"


def test_an_empty_table_has_no_features() -> None:
    assert len(features(table([("a", 1, 1.0)]).head(0))) == 0
