"""What the gate makes of recomputed outputs that are not, byte for byte, those in dvc.lock."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecycle.core.git import git
from lifecycle.gate import output_differences
from lifecycle.gate.committed_output import stages_of_pipeline
from lifecycle.gate.output_differences import compare_outputs
from lifecycle.gate.table_difference import table_difference

EMPTY = hashlib.md5(b"{}", usedforsecurity=False).hexdigest()  # of metrics/test.json below
FRAME = pd.DataFrame(
    {
        "id": ["a", "b", "c"],
        "label": pd.Categorical(["x", "y", "x"]),
        "score": [0.1, np.nan, 0.9],
        "rows": [1, 2, 3],
    }
)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"score": [0.1 + 1e-12, np.nan, 0.9]}, ""),
        ({"score": [0.2, np.nan, 0.9]}, "column score differs in 1 rows, such as 0.2 instead of 0.1"),
        ({"score": [0.1, 0.0, 0.9]}, "column score differs in 1 rows, such as 0.0 instead of nan"),
        ({"id": ["a", "c", "b"]}, "column id differs in 2 rows, such as c instead of b"),
        ({"rows": [1.0, 2.0, 3.0]}, "column rows differs in 3 rows, such as 1.0 instead of 1"),
        ({"label": ["x", "y", "x"]}, "column label differs in 3 rows, such as x instead of x"),
        ({"more": 0}, "other columns"),
    ],
)
def test_numbers_may_be_rounded_and_nothing_else_may_differ(change: dict[str, Any], says: str) -> None:
    assert table_difference(FRAME.assign(**change), FRAME, tolerance=1e-4) == says


def test_a_row_more_is_a_difference() -> None:
    assert table_difference(FRAME.head(2), FRAME, tolerance=1e-4) == "2 rows instead of 3"


def stage(path: str, md5: str, dep: tuple[str, str] = ("x", "y")) -> dict[str, Any]:
    return {"outs": [{"path": path, "md5": md5}], "deps": [{"path": dep[0], "md5": dep[1]}]}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with a file in git; `committed` is what DVC has of the output `data/table.parquet`."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Path("metrics").mkdir()
    Path("metrics/test.json").write_text("{}")
    git("add", "metrics")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--no-verify", "--message", "base")
    Path("data").mkdir()
    monkeypatch.setattr(output_differences, "file_of", lambda md5, path, commit: {"old": Path("committed")}.get(md5))
    return tmp_path


def test_an_output_that_recomputing_does_not_give_is_a_problem(checkout: Path) -> None:
    FRAME.assign(score=0.5).to_parquet("committed")
    FRAME.to_parquet("data/table.parquet")

    differences = compare_outputs(
        checkout, "HEAD", {"s": stage("data/table.parquet", "old")}, {"s": stage("data/table.parquet", "new")}, 1e-4
    )

    assert differences.problems == [
        "dvc.lock names data/table.parquet old, recomputing gives new: column score differs in 3 rows, such as 0.5 instead of 0.1"
    ]
    assert differences.rounded == []


def test_one_that_holds_the_same_numbers_is_named_and_is_no_problem(checkout: Path) -> None:
    FRAME.assign(score=FRAME["score"] + 1e-12).to_parquet("committed")
    FRAME.to_parquet("data/table.parquet")

    differences = compare_outputs(
        checkout, "HEAD", {"s": stage("data/table.parquet", "old")}, {"s": stage("data/table.parquet", "new")}, 1e-4
    )

    assert differences.problems == []
    assert len(differences.rounded) == 1


def test_one_that_nobody_has_is_a_problem_and_what_git_has_is_not_looked_at(checkout: Path) -> None:
    before = {"s": stage("data/table.parquet", "lost"), "t": stage("metrics/test.json", EMPTY)}
    after = {"s": stage("data/table.parquet", "new"), "t": stage("metrics/test.json", "another")}

    (problem,) = compare_outputs(checkout, "HEAD", before, after, 1e-4).problems

    assert "is in neither DVC's cache nor its remote" in problem


def test_a_hash_that_is_not_that_of_the_file_in_git_is_a_problem(checkout: Path) -> None:
    lock = {"t": stage("metrics/test.json", "0" * 32)}

    (problem,) = compare_outputs(checkout, "HEAD", lock, lock, 1e-4).problems

    assert problem == f"dvc.lock names metrics/test.json 000000000, the commit has {EMPTY[:9]}"


def test_an_output_that_the_lock_does_not_name_is_a_problem(checkout: Path) -> None:
    before = {"t": stage("metrics/test.json", EMPTY)}
    after = {**before, "s": stage("data/table.parquet", "new")}

    (problem,) = compare_outputs(checkout, "HEAD", before, after, 1e-4).problems

    assert problem == "dvc.lock does not name data/table.parquet, which the pipeline makes"


def test_an_input_that_is_not_the_output_of_the_stage_before_is_a_problem(checkout: Path) -> None:
    lock = {"s": stage("data/table.parquet", "old"), "t": stage("b", "b", ("data/table.parquet", "forged"))}

    (problem,) = compare_outputs(checkout, "HEAD", lock, lock, 1e-4).problems

    assert problem == "dvc.lock has two versions of data/table.parquet: an output of one stage and an input of another"


@pytest.mark.parametrize(
    ("outs", "says"),
    [
        (["data/table.parquet", "data/table.parquet"], "names the output data/table.parquet more than once"),
        (["data/table.parquet", ".git"], "names the output .git, which the pipeline does not make"),
    ],
)
def test_an_output_that_the_lock_names_twice_or_the_pipeline_does_not_make_is_a_problem(
    checkout: Path, outs: list[str], says: str
) -> None:
    before = {"s": {"outs": [{"path": path, "md5": "new"} for path in outs]}}

    (problem,) = compare_outputs(checkout, "HEAD", before, {"s": stage("data/table.parquet", "new")}, 1e-4).problems

    assert problem == f"dvc.lock {says}"


def test_a_lock_without_a_stage_is_a_problem(checkout: Path) -> None:
    Path("dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    git("add", "dvc.lock")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--no-verify", "--message", "lock")

    (problem,) = compare_outputs(checkout, "HEAD", {}, {"s": stage("data/table.parquet", "new")}, 1e-4).problems

    assert problem == "dvc.lock does not name data/table.parquet, which the pipeline makes"


def test_stages_of_the_lock_that_the_pipeline_does_not_have_do_not_count(checkout: Path) -> None:
    Path("dvc.yaml").write_text("stages:\n  s: {cmd: a}\n  several: {foreach: [1], do: {cmd: a}}\n")
    Path("dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  s: {cmd: a}\n  several@1: {cmd: a}\n  s@1: {cmd: a}\n  left: {cmd: a}\n"
    )
    git("add", "dvc.lock", "dvc.yaml")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--no-verify", "--message", "lock")

    assert list(stages_of_pipeline("HEAD")) == ["s", "several@1"]


def test_a_hash_of_a_kind_under_which_dvc_does_not_find_the_output_is_a_problem(checkout: Path) -> None:
    before = {"s": stage("data/table.parquet", "new")}
    after = {"s": {"outs": [{"path": "data/table.parquet", "md5": "new", "hash": "md5"}]}}

    (problem,) = compare_outputs(checkout, "HEAD", before, after, 1e-4).problems

    assert problem.startswith("dvc.lock names data/table.parquet with a hash of another kind")
