"""What is read of a table scored in batch: the rows of the window and version, with their inputs and labels; and no more memory for more rows."""

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pytest

from lifecycle.core import contract, reference
from lifecycle.core.config import Csv, Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import write_text
from lifecycle.core.times import Window
from lifecycle.monitoring import joined_rows, monitor, summary_format, table_files
from lifecycle.monitoring.monitor import Options, Scores
from lifecycle.monitoring.scored_rows import collect
from lifecycle.monitoring.scored_table import ScoredTable
from lifecycle.monitoring.summary import Summary
from lifecycle.monitoring.traffic import Traffic
from machinery.monitoring import lab

WINDOW = Window(lab.UNTIL - lab.DAY, lab.UNTIL)  # in which 2026-03-01 begins
TODAY, BEFORE = "2026-03-01", "2026-02-28"
ROWS = 300


class Lab:
    """A table that was scored, the scores, and what is expected to be read of them."""

    def __init__(self, folder: Path, params: Params) -> None:
        self.folder, self.params = folder, params
        frame, predictions = lab.population(ROWS, 7, params.task)
        self.input = frame.assign(key=[f"k{number:03d}" for number in range(ROWS)])
        self.scores = predictions.drop(columns="prediction", errors="ignore").assign(key=self.input["key"])
        if params.task == "regression":
            self.scores = predictions.assign(key=self.input["key"])
        self.expected = lab.logged_rows(ROWS, 7, params)
        write_text(lab.CONTRACT, folder / "contract.yaml")

    def score(self, date: str = TODAY, version: int = 4, rows: slice = slice(None), name: str = "part-0") -> None:
        """Write scores as `score` does."""
        place = self.folder / "scores" / f"date={date}"
        place.mkdir(parents=True, exist_ok=True)
        stamped = self.scores.iloc[rows].assign(model_version=version, scored_at=pd.Timestamp.now("UTC"))
        stamped.to_parquet(place / f"{name}.parquet", index=False)

    def quarantine(self, reasons: list[str], version: int = 4) -> None:
        place = self.folder / "scores_quarantine" / f"date={TODAY}"
        place.mkdir(parents=True)
        rows = pd.DataFrame({"key": None, "reason": reasons, "row": "{}", "model_version": version})
        rows.to_parquet(place / "part-0.parquet", index=False)

    def table(self, name: str, frame: pd.DataFrame) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            frame.to_parquet(path, index=False)
        else:
            frame.to_csv(path, index=False)
        return str(path)

    def watched(self, given: str | None = None, labels: str | None = None, **data: Any) -> ScoredTable:
        schema = arrow.Schema.from_pandas(self.expected, preserve_index=False)
        left_out: tuple[str, ...] = ()
        if given is None:
            left_out = tuple(lab.INPUTS)
            schema = arrow.schema([field for field in schema if not field.name.startswith(reference.INPUTS)])
        scores = str(self.folder / "scores")
        rules = contract.load(self.folder / "contract.yaml", self.params.package)
        of_version = self.params.data.model_copy(update=data)
        return ScoredTable(scores, given, labels, "batch-scores", 4, schema, of_version, rules, left_out)

    def read(self, given: str | None = None, labels: str | None = None, rows: int = 5000, most: int = 1000) -> Traffic:
        return collect(self.watched(given, labels), WINDOW, rows, most)


@pytest.fixture
def scored(tmp_path: Path, params: Params) -> Lab:
    return Lab(tmp_path, lab.of_task(params, "binary"))


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """The same rows, in any order."""
    names = [name for name in expected if name != reference.ACTUAL]
    left, right = (
        frame[names].sort_values(names[-1]).reset_index(drop=True).astype(object) for frame in (found, expected)
    )
    pd.testing.assert_frame_equal(left.where(left.notna(), None), right.where(right.notna(), None))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", ["table.parquet", "folder/part.parquet", "table.csv", "table.csv.gz"])
def test_rows_come_back_as_the_reference_has_them(tmp_path: Path, params: Params, task: str, name: str) -> None:
    scored = Lab(tmp_path, lab.of_task(params, task))
    scored.score()
    given = scored.table(name, scored.input)

    found = scored.read(str(tmp_path / "folder") if name.startswith("folder") else given)

    assert (found.rows, found.other_versions, found.broken_lines, found.notes) == (ROWS, {}, 0, [])
    same(found.sample, scored.expected)
    same(found.labelled, scored.expected.drop(columns=[f"inputs.{name}" for name in lab.INPUTS]))
    assert len(found.labelled) == ROWS  # the table has the target


def test_rows_of_other_versions_and_dates_are_not_mixed_in(scored: Lab) -> None:
    scored.score(rows=slice(0, 200))
    scored.score(rows=slice(200, 207), version=3, name="part-1")
    scored.score(BEFORE, rows=slice(0, 50))
    scored.score("2026-03-02", rows=slice(0, 60))
    (scored.folder / "scores" / f".staging-{TODAY}-abc").mkdir()
    (scored.folder / "scores" / f".staging-{TODAY}-abc" / "part-0.parquet").write_bytes(b"half written")

    found = scored.read()

    assert (found.rows, len(found.sample), found.other_versions) == (200, 200, {3: 7})


def test_scores_alone_say_what_cannot_be_said(scored: Lab) -> None:
    scored.score()

    found = scored.read()

    assert list(found.sample) == ["probability"]
    assert found.labelled.empty
    inputs, labels = found.notes
    assert "--input" in inputs
    assert all(name in inputs for name in lab.INPUTS)
    assert "--labels" in labels


def test_labels_are_those_of_the_id_and_the_date(scored: Lab) -> None:
    """A table in folders by date has them by date as well; of a table without, the last date's score counts."""
    scored.score()
    two_days = Window(lab.UNTIL - 2 * lab.DAY, lab.UNTIL)
    scored.scores["probability"] = 0.25
    scored.score(BEFORE)
    labels = pd.DataFrame(
        {"key": ["k001", "k002", "k003", "k003", "k004", "k005", "nobody"], "outcome": [*"abab", None, "a", "a"]}
    )
    plain = scored.table("labels.csv", labels)
    scored.table(f"dated/date={BEFORE}/part.parquet", labels)

    of_last, of_date = (
        collect(scored.watched(labels=path), two_days, 0, 1000).labelled
        for path in (plain, str(scored.folder / "dated"))
    )

    last = scored.expected.loc[[1, 2, 5], "probability"]
    assert dict(zip(of_last["probability"], of_last["actual"], strict=True)) == dict(zip(last, "aba", strict=True))
    assert of_date["probability"].tolist() == [0.25] * 3
    assert sorted(of_date["actual"]) == ["a", "a", "b"]


def test_labels_that_take_long_are_those_of_earlier_scores(scored: Lab) -> None:
    scored.score()
    scored.score(BEFORE, rows=slice(0, 40))
    limits = lab.settings(performance__delay="1d")

    def read(labels: str | None) -> tuple[Traffic, pd.DataFrame]:
        watched = scored.watched(labels=labels)
        return monitor.read_traffic(
            lambda span, rows, most: collect(watched, span, rows, most), WINDOW, limits, "scores: the table"
        )

    traffic, labelled = read(scored.table("labels.csv", scored.input[["key", "outcome"]]))

    assert (traffic.rows, len(traffic.sample), len(labelled)) == (ROWS, ROWS, 40)
    assert len(traffic.notes) == 1
    assert [note.partition(",")[0] for note in read(None)[0].notes] == ["not compared", "no performance"]


def test_an_id_with_several_rows_has_no_inputs_and_no_label_unless_they_are_equal(scored: Lab) -> None:
    scored.score()
    repeated = scored.input.iloc[:3].copy()
    repeated.loc[0, ["age", "outcome"]] = [99, "a" if scored.input.loc[0, "outcome"] == "b" else "b"]
    given = scored.table("table.parquet", pd.concat([scored.input, repeated, repeated.iloc[:1].assign(age=98)]))

    found = scored.read(given)

    assert (len(found.sample), len(found.labelled)) == (ROWS - 1, ROWS - 1)
    assert found.notes == [
        f"1 of the {ROWS} rows that were sampled are not compared: their id has no row in {given}, or several"
    ]


def test_a_quarantined_row_counts_as_refused_and_its_value_is_not_told(scored: Lab) -> None:
    scored.score()
    reasons = [
        "age: in_range(0, 150) fails (-5)",
        "age: in_range(0, 150) fails (200)",
        "plan: not a category of the contract (Ten (10) years)",
        "note (free): missing",
        "too few or too many values in the line",
    ]
    scored.quarantine(reasons)

    refused = scored.read().refused

    assert (refused.rows, refused.broken) == (5, 0)
    assert [(*mistake, rows) for mistake, rows in refused.mistakes.items()] == [
        ("age", "in_range(0, 150)", "", 2),
        ("plan", "not a category of the contract", "", 1),
        ("note (free)", "missing", "", 1),
        ("", "too few or too many values in the line", "", 1),
    ]


def test_an_invalid_row_of_the_table_costs_nothing_as_it_was_not_scored(scored: Lab) -> None:
    scored.score(rows=slice(1, None))
    spoilt = scored.input.astype({"age": object})
    spoilt.loc[0, "age"] = "forty"

    found = scored.read(scored.table("table.csv", spoilt))

    same(found.sample, scored.expected.iloc[1:])


def test_an_id_that_is_made_from_the_row_is_made_of_the_table_as_well(scored: Lab) -> None:
    from lifecycle.core.content_key import row_keys

    scored.scores["key"] = row_keys(scored.input, lab.INPUTS)
    scored.score()
    table = scored.input.drop(columns="key")
    watched = [scored.watched(scored.table(f"table.{form}", table), id_from=lab.INPUTS) for form in ("parquet", "csv")]

    same(collect(watched[0], WINDOW, 5000, 0).sample, scored.expected)
    with pytest.raises(ConfigError, match="give the table as Parquet"):
        collect(watched[1], WINDOW, 5000, 0)


def test_a_table_is_read_in_the_dialect_of_the_version(scored: Lab) -> None:
    scored.score()
    path = scored.folder / "table.csv"
    scored.input.to_csv(path, index=False, sep=";", decimal=",", encoding="utf-16", na_rep="unknown")
    form = Csv(separator=";", decimal=",", encoding="utf-16", nulls=["unknown"])

    found = collect(scored.watched(str(path), csv=form), WINDOW, 5000, 0)

    same(found.sample, scored.expected)


def test_scores_are_judged_by_the_same_rule_and_the_report_says_what_it_does_not_know(scored: Lab) -> None:
    limits = lab.settings(drift__ignore=["note"], window__min_rows=200)
    whole = lab.baseline(scored.folder / "version", scored.params, limits)
    table = arrow.Table.from_pandas(whole.reference, preserve_index=False)
    scored.scores["probability"] = scored.scores["probability"] / 2
    scored.score()
    scored.quarantine(["age: missing"] * 200)
    options = Options(table=Scores(f"{scored.folder}/scores/"))

    watched, read = monitor.scored(options, 4, whole.folder, table, scored.params)
    baseline = replace(whole, reference=table.select(watched.schema.names).to_pandas(), left_out=watched.left_out)
    traffic = read(WINDOW, 5000, 1000)
    started = baseline.summary(WINDOW, watched, traffic)
    found = baseline.measured(started, traffic.sample, traffic.labelled, baseline.comparison().of(traffic.sample))

    assert (found.role, found.log, found.is_table) == ("batch-scores", str(scored.folder / "scores"), True)
    assert (found.rows, found.refused_rows, found.columns, found.performance) == (ROWS, 200, [], [])
    score, refused = found.alarms
    assert score.startswith("the score drifted: wasserstein")
    assert refused == "(rows that were sent): refused 0.4, the limit is 0.01 (most often age: missing)"
    for text in (summary_format.terminal(found), summary_format.markdown(found)):
        assert "not compared, as scores have no inputs (--input names the table that was scored): amount, age" in text
        assert "no performance, as no table has labels" in text
    assert Summary.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"given": "nowhere"}, "--input nowhere: no such file or folder"),
        ({"given": "others.parquet"}, "others.parquet: has none of the 300 rows"),
        ({"given": "narrow.parquet"}, "narrow.parquet: narrow.parquet has no column plan"),
        ({"given": "empty"}, "empty: has no Parquet or CSV file"),
        ({"labels": "narrow.parquet"}, "has no column outcome"),
        ({"given": "torn.parquet"}, "torn.parquet: cannot be read"),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(
    scored: Lab, given: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored.score()
    scored.table("others.parquet", scored.input.assign(key="other"))
    scored.table("narrow.parquet", scored.input[["key", "age", "amount"]])
    (scored.folder / "empty").mkdir()
    (scored.folder / "torn.parquet").write_bytes(b"PAR1 and no more")
    monkeypatch.chdir(scored.folder)

    with pytest.raises(ConfigError, match=said):
        scored.read(**given)


def test_a_folder_that_score_did_not_write_is_refused(scored: Lab) -> None:
    for name, said in (("nowhere", "no such file or folder"), ("tables", "has no folder date=")):
        scored.table("tables/table.parquet", scored.input)
        with pytest.raises(ConfigError, match=f"--scores .*{name}: {said}"):
            collect(replace(scored.watched(), scores=str(scored.folder / name)), WINDOW, 100, 100)
    scored.scores = scored.scores.rename(columns={"probability": "chance"})
    scored.score()
    with pytest.raises(ConfigError, match="has no column probability"):
        scored.read()


def test_tables_may_lie_in_an_object_store(scored: Lab) -> None:
    import fsspec

    scored.score()
    scored.quarantine(["age: missing"])
    given = scored.table("table.parquet", scored.input)
    store: Any = fsspec.filesystem("memory")
    for folder in ("scores", "scores_quarantine"):
        store.put(str(scored.folder / folder), f"/tables/{folder}", recursive=True)
    store.put_file(given, "/tables/table.parquet")

    watched = replace(scored.watched("memory://tables/table.parquet"), scores="memory://tables/scores")
    found = collect(watched, WINDOW, 5000, 1000)

    same(found.sample, scored.expected)
    assert (len(found.labelled), found.refused.rows) == (ROWS, 1)
    with pytest.raises(ConfigError, match="name a folder in it"):
        collect(replace(watched, scores="memory://tables"), WINDOW, 100, 100)


def test_memory_depends_on_the_samples_and_not_on_the_tables(scored: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "BATCH_ROWS", 5000)
    monkeypatch.setattr(table_files, "BUFFER", 10_000)
    monkeypatch.setattr(joined_rows, "SPARE_ROWS", 500)
    rows, scores = scored.input, scored.scores
    peaks = []
    for repeats in (50, 250):
        ids = [f"k{number:06d}" for number in range(repeats * ROWS)]
        scored.input, scored.scores = (
            pd.concat([frame] * repeats, ignore_index=True).assign(key=ids) for frame in (rows, scores)
        )
        scored.score()
        given = scored.table("table.parquet", scored.input)
        scored.read(given, rows=50, most=5)  # what is imported and cached on the way is not counted
        tracemalloc.start()
        found = scored.read(given, rows=50, most=5)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (found.rows, len(found.sample), len(found.labelled)) == (ROWS * repeats, 50, 5)

    assert peaks[1] < 1.5 * peaks[0]


def test_a_sample_is_the_same_every_time_and_no_value_decides_on_it(scored: Lab) -> None:
    given = scored.table("table.parquet", scored.input)
    scored.scores = scored.scores.sort_values("probability")
    scored.score()
    first = scored.read(given, rows=50, most=50)
    scored.scores = scored.scores.sample(frac=1, random_state=1)
    scored.score()
    second = scored.read(given, rows=50, most=50)

    for before, after in ((first.sample, second.sample), (first.labelled, second.labelled)):
        pd.testing.assert_frame_equal(before, after)
        assert len(before) == 50
        assert 0.35 < before["probability"].mean() < 0.65
