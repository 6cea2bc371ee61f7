import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from telco_churn.features import build_features

from lifecycle.batch.score_rows import RAGGED, REASON, ROW, Rows
from lifecycle.core import config, model_file
from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.pipeline.train import fit


@pytest.fixture(scope="session")
def rows(version: Path) -> Rows:
    return Rows(version)


def test_rows_that_keep_the_contract_are_scored_as_the_model_scores_them(rows: Rows, frame: pd.DataFrame) -> None:
    judged = rows.judge(frame)

    expected = rows.scoring.score(frame[list(rows.scoring.columns)])
    assert judged.bad.empty
    assert list(judged.scores) == [rows.key, *rows.answers()]
    assert judged.scores[rows.key].tolist() == frame[rows.key].tolist()
    if rows.scoring.params.task == "binary":
        assert judged.scores["probability"].tolist() == expected["probability"].tolist()


def test_each_way_to_break_the_contract_has_its_reason_and_loses_no_row(rows: Rows, frame: pd.DataFrame) -> None:
    frame = frame.head(200).astype({"contract": "object", "tenure": "object"})
    frame.loc[0, "tenure"] = -5
    frame.loc[1, "tenure"] = "abc"
    frame.loc[2, "contract"] = "Ten years"
    frame.loc[3, "monthly_charges"] = None
    frame.loc[4, rows.key] = "X1"

    judged = rows.judge(frame)

    reasons = dict(zip(judged.bad[rows.key], judged.bad[REASON], strict=True))
    assert reasons == {
        frame[rows.key][0]: "tenure: in_range(0, 120) fails (-5)",
        frame[rows.key][1]: "tenure: not int64 (abc)",
        frame[rows.key][2]: "contract: not among the contract's (Ten years)",
        frame[rows.key][3]: "monthly_charges: missing",
        "X1": r"customer_id: str_matches('^C\d{5}$') fails (X1)",
    }
    assert json.loads(judged.bad[ROW][2])["contract"] == "Ten years"
    assert len(judged.scores) == 195


def test_total_charges_may_be_missing_for_the_contract_says_so(rows: Rows, frame: pd.DataFrame) -> None:
    frame["total_charges"] = None

    assert rows.judge(frame).bad.empty


def test_rows_that_were_not_active_are_left_out_and_counted(version: Path, frame: pd.DataFrame) -> None:
    frame["seen"] = ["2025-12-31", "2026-01-01", "soon"] * (len(frame) // 3)

    judged = Rows(version, active_since=("seen", "2026-01-01")).judge(frame)

    assert judged.skipped == len(judged.scores) == len(judged.bad) == len(frame) // 3
    assert set(judged.bad[REASON]) == {"seen: not a date (soon)"}


def test_only_in_a_file_of_text_does_a_word_stand_for_null(version: Path, frame: pd.DataFrame) -> None:
    frame = frame.head(2).astype({"total_charges": "object"})
    frame["total_charges"] = "NA"

    assert Rows(version, text=True).judge(frame).bad.empty
    assert set(Rows(version).judge(frame).bad[REASON]) == {"total_charges: not float64 (NA)"}


def test_a_line_that_has_swallowed_those_after_it_stops_the_run(rows: Rows, frame: pd.DataFrame) -> None:
    torn = frame.head(2).copy()
    torn[RAGGED] = [None, 'C1,"Yes\nC2,No\nC3,No']

    with pytest.raises(DataError, match=r"a quote seems to be opened and not closed in the line C1,\"Yes$"):
        rows.judge(torn)


def test_bytes_that_were_no_text_are_not_scored(version: Path, frame: pd.DataFrame) -> None:
    frame = frame.head(2).astype({"customer_id": "object"})
    frame.loc[1, "customer_id"] = "C\ufffd"

    assert Rows(version, text=True).judge(frame).bad[REASON].tolist() == ["customer_id: not UTF-8 (C\ufffd)"]


def test_a_torn_line_goes_to_quarantine_as_it_stands(rows: Rows, frame: pd.DataFrame) -> None:
    torn = frame.head(3).copy()
    torn[RAGGED] = [None, "C1,Yes", None]

    judged = rows.judge(torn)

    assert judged.bad[ROW].tolist() == ["C1,Yes"]
    assert judged.bad[rows.key].tolist() == [None]


@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "random_forest", "logistic_regression"])
def test_the_bytes_of_a_score_do_not_depend_on_the_rows_around_it(
    version: Path, table: pd.DataFrame, params: Params, inputs: list[str], tmp_path: Path, estimator: str
) -> None:
    forest = {"n_estimators": 10, "min_samples_leaf": 5}
    settings = params.train.model_copy(update={"estimator": estimator, "random_forest": forest})
    folder = Path(shutil.copytree(version, tmp_path / "version"))
    fitted = fit(build_features(table), inputs, params.model_copy(update={"train": settings}))
    model_file.save(fitted, folder / config.MODEL.name, params.package)
    rows = Rows(folder)

    whole = rows.judge(table).scores["probability"].to_numpy().tobytes()
    for length in (1, 63, 333):
        starts = range(0, len(table), length) if length > 1 else range(50)
        parts = b"".join(
            rows.judge(table[at : at + length]).scores["probability"].to_numpy().tobytes() for at in starts
        )
        assert parts == whole[: len(parts)]
