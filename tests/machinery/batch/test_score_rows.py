import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.batch.job import Job
from lifecycle.batch.row_contract import RAGGED
from lifecycle.batch.score_rows import REASON, ROW, RowScorer, loaded
from lifecycle.core import config, model_file
from lifecycle.core.config import Params
from lifecycle.core.content_key import content_keys
from lifecycle.core.errors import DataError
from lifecycle.pipeline.train import fit
from machinery.batch.known import with_known_rows
from telco_churn.features import build_features


@pytest.fixture(scope="session")
def scorer(version: Path) -> RowScorer:
    return RowScorer(version)


def test_rows_that_meet_the_contract_are_scored_as_the_model_scores_them(
    scorer: RowScorer, frame: pd.DataFrame
) -> None:
    batch = scorer.score(frame)

    expected = scorer.scoring.score(frame[list(scorer.scoring.columns)])
    assert batch.quarantine.empty
    assert list(batch.scores) == [scorer.key, *scorer.output_columns()]
    assert batch.scores[scorer.key].tolist() == frame[scorer.key].tolist()
    if scorer.scoring.params.task == "binary":
        assert batch.scores["probability"].tolist() == expected["probability"].tolist()


def test_each_way_to_break_the_contract_has_its_reason_and_no_row_is_lost(
    scorer: RowScorer, frame: pd.DataFrame
) -> None:
    frame = frame.head(200).astype({"contract": "object", "tenure": "object"})
    frame.loc[0, "tenure"] = -5
    frame.loc[1, "tenure"] = "abc"
    frame.loc[2, "contract"] = "Ten years"
    frame.loc[3, "monthly_charges"] = None
    frame.loc[4, scorer.key] = "X1"

    batch = scorer.score(frame)

    reasons = dict(zip(batch.quarantine[scorer.key], batch.quarantine[REASON], strict=True))
    assert reasons == {
        frame[scorer.key][0]: "tenure: in_range(0, 120) fails (-5)",
        frame[scorer.key][1]: "tenure: not int64 (abc)",
        frame[scorer.key][2]: "contract: not a category of the contract (Ten years)",
        frame[scorer.key][3]: "monthly_charges: missing",
        "X1": r"customer_id: str_matches('^C\d{5}$') fails (X1)",
    }
    assert json.loads(batch.quarantine[ROW][2])["contract"] == "Ten years"
    assert len(batch.scores) == 195


def test_a_nullable_column_may_be_missing(scorer: RowScorer, frame: pd.DataFrame) -> None:
    frame["total_charges"] = None

    assert scorer.score(frame).quarantine.empty


def test_rows_that_were_not_active_are_skipped_and_counted(version: Path, frame: pd.DataFrame) -> None:
    frame["seen"] = ["2025-12-31", "2026-01-01", "soon"] * (len(frame) // 3)

    batch = RowScorer(version, active_since=("seen", "2026-01-01")).score(frame)

    assert batch.skipped == len(batch.scores) == len(batch.quarantine) == len(frame) // 3
    assert set(batch.quarantine[REASON]) == {"seen: not a date (soon)"}


def test_only_in_a_text_file_does_a_word_stand_for_null(version: Path, frame: pd.DataFrame) -> None:
    frame = frame.head(2).astype({"total_charges": "object"})
    frame["total_charges"] = "NA"

    assert RowScorer(version, is_text=True).score(frame).quarantine.empty
    assert set(RowScorer(version).score(frame).quarantine[REASON]) == {"total_charges: not float64 (NA)"}


def test_a_line_that_has_swallowed_those_after_it_stops_the_run(scorer: RowScorer, frame: pd.DataFrame) -> None:
    ragged = frame.head(2).copy()
    ragged[RAGGED] = [None, 'C1,"Yes\nC2,No\nC3,No']

    with pytest.raises(DataError, match=r"a quote seems to be opened and not closed in the line C1,\"Yes$"):
        scorer.score(ragged)


def test_bytes_that_are_not_utf8_are_not_scored(version: Path, frame: pd.DataFrame) -> None:
    frame = frame.head(2).astype({"customer_id": "object"})
    frame.loc[1, "customer_id"] = "C\ufffd"

    assert RowScorer(version, is_text=True).score(frame).quarantine[REASON].tolist() == [
        "customer_id: not UTF-8 (C\ufffd)"
    ]


def test_a_ragged_line_is_quarantined_as_it_stands(scorer: RowScorer, frame: pd.DataFrame) -> None:
    ragged = frame.head(3).copy()
    ragged[RAGGED] = [None, "C1,Yes", None]

    batch = scorer.score(ragged)

    assert batch.quarantine[ROW].tolist() == ["C1,Yes"]
    assert batch.quarantine[scorer.key].tolist() == [None]


@pytest.mark.parametrize(
    "estimator",
    ["ensemble.HistGradientBoostingClassifier", "ensemble.RandomForestClassifier", "linear_model.LogisticRegression"],
)
def test_the_bytes_of_a_score_do_not_depend_on_the_rows_around_it(
    version: Path, table: pd.DataFrame, params: Params, inputs: list[str], tmp_path: Path, estimator: str
) -> None:
    settings = params.train.model_copy(update={"estimator": f"sklearn.{estimator}", "parameters": {}})
    folder = Path(shutil.copytree(version, tmp_path / "version"))
    fitted = fit(build_features(table), inputs, params.model_copy(update={"train": settings}))
    model_file.save(fitted, folder / config.MODEL.name, params.package)
    scorer = RowScorer(folder)

    whole = scorer.score(table).scores["probability"].to_numpy().tobytes()
    for length in (1, 63, 333):
        starts = range(0, len(table), length) if length > 1 else range(50)
        parts = b"".join(
            scorer.score(table[at : at + length]).scores["probability"].to_numpy().tobytes() for at in starts
        )
        assert parts == whole[: len(parts)]


def test_a_made_id_is_that_of_the_values_and_needs_no_column_that_the_model_does_not_need(
    version: Path, frame: pd.DataFrame, params: Params, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(version, tmp_path / "version"))
    text = (folder / config.PARAMS).read_text()
    columns = [name for name in frame if name not in ("customer_id", "churn")]
    made = f"  id: customer_id\n  id_from: [{', '.join(columns)}]\n"
    (folder / config.PARAMS).write_text(re.sub(r"  id: customer_id[^\n]*\n", made, text))
    rows = frame.head(3)[columns].iloc[[0, 1, 0]]
    rows = rows.astype({"tenure": "object"}).reset_index(drop=True)
    rows.loc[1, "tenure"] = "x"

    batch = RowScorer(folder).score(rows)

    first, second = batch.scores["customer_id"]
    assert first == second == content_keys(frame.head(1), columns)[0]
    assert batch.quarantine["customer_id"].str.fullmatch("[0-9a-f]{16}").all()
    assert batch.quarantine[REASON].tolist() == ["tenure: not int64 (x)"]


def job(folder: Path) -> Job:
    return Job("", "", "local", None, "2026-01-31", None, "production", 7, str(folder), "", 0.0, "", 0.1, 1000)


def test_a_nullable_boolean_is_scored_like_any_column(
    version: Path, table: pd.DataFrame, params: Params, inputs: list[str], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(version, tmp_path / "version"))
    contract = (folder / config.CONTRACT).read_text()
    boolean = "  paperless_billing:\n    dtype: boolean\n    nullable: true\n"
    contract = re.sub(r"  paperless_billing:\n(?:    .*\n)+", boolean, contract)
    (folder / config.CONTRACT).write_text(contract)
    rows = table.assign(paperless_billing=table["paperless_billing"].astype("boolean"))
    rows.loc[::3, "paperless_billing"] = pd.NA
    model_file.save(fit(build_features(rows), inputs, params), folder / config.MODEL.name, params.package)

    batch = loaded(job(with_known_rows(folder, rows.head(50))), is_text=False).score(rows)

    assert batch.quarantine.empty
    assert len(batch.scores) == len(rows)


def test_a_version_that_answers_otherwise_than_evaluate_scores_nothing(
    version: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(version, tmp_path / "version"))
    with_known_rows(folder, table.head(20), error=0.25)

    with pytest.raises(
        DataError, match=r"version 7 \(production\) does not reproduce .* by up to 0\.25; nothing was written"
    ):
        loaded(job(folder), is_text=False)


def test_a_version_that_does_not_load_is_one_line(version: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(version, tmp_path / "version"))
    contract = (folder / config.CONTRACT).read_text()
    repeated = re.sub(r"(  contract:\n    dtype: category\n    isin: \[)([^,]+),", r"\1\2, \2,", contract)
    assert repeated != contract
    (folder / config.CONTRACT).write_text(repeated)

    with pytest.raises(
        DataError, match=r"version 7 \(production\) cannot be loaded: .*must be unique; nothing was written"
    ):
        loaded(job(folder), is_text=False)
