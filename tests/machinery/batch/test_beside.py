"""A table scored with two versions: both outputs, and how far they are apart."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.batch import beside
from lifecycle.batch.comparison import compare
from lifecycle.batch.job import Job
from lifecycle.batch.output import partition
from lifecycle.batch.overlay import overlay
from lifecycle.core import model_file
from lifecycle.core.config import MODEL, Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.pipeline.train import fit
from machinery.batch.known import with_known_rows
from telco_churn.features import build_features

DATE = "2026-03-01"


def a_job(output: Path, version: int = 1, alias: str = "production") -> Job:
    return Job(
        input="in", output=str(output), engine="local", master=None, date=DATE, active_since=None, alias=alias, version=version,
        version_folder="", code_folder="", started=0.0, scored_at="2026-03-01T00:00:00+00:00", max_bad_share=0.5, batch_rows=1000,
    )  # fmt: skip


@pytest.fixture
def jobs(logged: Path, table: pd.DataFrame, params: Params, inputs: list[str], tmp_path: Path) -> tuple[Job, Job]:
    """Jobs on one table, for a version and for another, which was trained on a part of the rows."""
    source = tmp_path / "rows.parquet"
    table.head(200).to_parquet(source, index=False)
    folder = Path(shutil.copytree(logged, logged.parent / "2-model-code"))
    shutil.rmtree(folder / "known_rows")
    model_file.save(fit(build_features(table[::2]), inputs, params), folder / MODEL.name, params.package)
    with_known_rows(folder, table.head(20))
    job = replace(
        a_job(tmp_path / "scores"),
        input=str(source),
        version_folder=str(logged),
        code_folder=str(overlay(logged, logged.parent)),
    )
    code = str(overlay(folder, logged.parent))
    output = beside.output_of(job.output, "candidate")
    return job, replace(job, alias="candidate", version=2, version_folder=str(folder), code_folder=code, output=output)


def test_both_versions_score_the_table_and_are_compared(
    jobs: tuple[Job, Job], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert beside.score(*jobs, "candidate") == 0

    first, second, *comparison = capfd.readouterr().out.splitlines()
    assert first.startswith("score: version 1 (production) scored 200 of 200 rows")
    assert second.startswith("score: version 2 (candidate) scored 200 of 200 rows")
    sides = [pd.read_parquet(tmp_path / name / f"date={DATE}") for name in ("scores", "scores_candidate")]
    apart = (sides[0]["probability"] - sides[1]["probability"]).abs()
    changed = int((sides[0]["label"] != sides[1]["label"]).sum())
    assert apart.mean() > 0
    assert comparison[0] == "candidate, version 2, beside production, version 1: 200 rows"
    assert comparison[1] == f"  another label     {changed:,} rows ({changed / 200:.2%})"
    assert f"{apart.mean():.4f} on average, {apart.quantile(0.95):.4f} at most in 95% of the rows" in comparison[3]
    assert (
        comparison[4].split()[-1] == f"{sides[0]['probability'].corr(sides[1]['probability'], method='spearman'):.4f}"
    )


def test_a_second_version_that_fails_keeps_the_scores_of_the_first(
    jobs: tuple[Job, Job], capfd: pytest.CaptureFixture[str]
) -> None:
    job, other = jobs
    Path(other.version_folder, MODEL.name).write_bytes(b"damaged")

    assert beside.score(job, other, "candidate") == 1

    printed = capfd.readouterr()
    assert partition(job.output, DATE).exists()
    assert "version 2 (candidate) cannot be loaded" in printed.err
    assert "beside" not in printed.out


@pytest.mark.parametrize(("version", "reason"), [(None, "no version is candidate"), (1, "version 1 is candidate too")])
def test_without_a_second_version_the_first_scores_alone(
    version: int | None, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs: list[Job] = []
    monkeypatch.setattr(beside.launch, "run", lambda job: runs.append(job) or 0)
    job = a_job(Path("scores"))

    code = beside.score(job, version and replace(job, alias="candidate"), "candidate")

    assert code == 0
    assert runs == [job]
    assert capsys.readouterr().err == f"warning: {reason}: scored with production alone\n"


@pytest.mark.parametrize(
    ("other", "output", "message"),
    [
        ("production", "scores", "--beside production: is the alias that is scored with"),
        ("candidate", "s3://bucket/scores", "--beside needs a folder on this machine"),
        ("candidate", "default.scores", "--beside needs a folder on this machine"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_the_run(other: str, output: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        beside.check("production", other, output)


def compared(folder: Path, first: pd.DataFrame, second: pd.DataFrame) -> list[str]:
    """The lines of a comparison of two outputs."""
    jobs = [a_job(folder / "one"), a_job(folder / "two", 2, "candidate")]
    for job, scores in zip(jobs, (first, second), strict=True):
        partition(job.output, DATE).mkdir(parents=True)
        stamped = scores.assign(model_version=job.version, scored_at=pd.Timestamp(DATE))
        stamped.to_parquet(partition(job.output, DATE) / "part-0.parquet", index=False)
    return compare(*jobs).splitlines()


def test_rows_are_matched_by_their_key_and_those_of_one_side_are_counted(tmp_path: Path) -> None:
    first = pd.DataFrame(
        {"key": ["a", "b", "c", "d"], "probability": [0.1, 0.2, 0.9, 0.5], "label": ["n", "n", "y", "y"]}
    )
    second = pd.DataFrame({"key": ["c", "b", "a"], "probability": [0.6, 0.2, 0.2], "label": ["y", "n", "y"]})

    lines = compared(tmp_path, first, second)

    assert lines == [
        "candidate, version 2, beside production, version 1: 3 rows",
        "  scored by one     1 by production, 0 by candidate",
        "  another label     1 rows (33.33%)",
        "  mean score        0.3333, production 0.4000",
        "  scores apart by   0.1333 on average, 0.2800 at most in 95% of the rows, 0.3000 at most",
        "  rank correlation  0.8660",
    ]


def test_a_class_that_one_version_does_not_know_has_the_probability_0_there(tmp_path: Path) -> None:
    first = pd.DataFrame({"key": [1, 2], "probability_a": [1.0, 0.5], "probability_b": [0.0, 0.5], "label": ["a", "a"]})
    second = pd.DataFrame(
        {"key": [1, 2], "probability_a": [1.0, 0.1], "probability_c": [0.0, 0.9], "label": ["a", "c"]}
    )

    lines = compared(tmp_path, first, second)

    assert lines[1:] == [
        "  another label     1 rows (50.00%)",
        "  scores apart by   0.4500 on average, 0.8550 at most in 95% of the rows, 0.9000 at most",
    ]


def test_predictions_of_a_regression_have_no_labels(tmp_path: Path) -> None:
    first = pd.DataFrame({"key": [1, 2], "prediction": [10.0, 20.0]})

    lines = compared(tmp_path, first, first.assign(prediction=[11.0, 22.0]))

    assert [line.split()[0] for line in lines] == ["candidate,", "mean", "scores", "rank"]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            {"key": [1], "prediction": [1.0]},
            {"key": [1], "probability": [1.0]},
            "has the scores probability, .* prediction",
        ),
        ({"key": [1], "prediction": [1.0]}, {"id": [1], "prediction": [1.0]}, "has the key id, .* key"),
        ({"key": [1], "prediction": [1.0]}, {"key": [2], "prediction": [1.0]}, "no row was scored by both"),
    ],
)
def test_outputs_of_two_kinds_are_refused(
    first: dict[str, list[float]], second: dict[str, list[float]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        compared(tmp_path, pd.DataFrame(first), pd.DataFrame(second))
