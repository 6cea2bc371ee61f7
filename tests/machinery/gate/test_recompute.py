"""Which stages the gate runs again, and what it says of those that it does not."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core.git import git
from lifecycle.gate import recompute
from lifecycle.gate.committed_output import believed_results

MD5 = "0123456789abcdef0123456789abcdef"
PIPELINE = "stages:\n  train: {cmd: a, outs: [model]}\n  evaluate: {cmd: b, outs: [figures]}\n  track: {cmd: c}\n"
LOCK = (
    "schema: '2.0'\nstages:\n  train:\n    cmd: a\n    outs: [{path: model, md5: MD5}]\n"
    "  evaluate:\n    cmd: b\n    outs: [{path: figures, md5: MD5}]\n"
)


def commit(lock: str = LOCK) -> None:
    Path("dvc.yaml").write_text(PIPELINE)
    Path("dvc.lock").write_text(lock.replace("MD5", MD5))
    git("add", "--all")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "--no-verify", "-m", "m")


@pytest.fixture(autouse=True)
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Path("params.yaml").write_text("package: users\n")
    commit()
    git("tag", "base")
    monkeypatch.setattr(recompute.package_versions, "differences", lambda folder: [])


@pytest.mark.parametrize(
    ("believed", "ran", "failure"),
    [
        ([], ["train", "evaluate"], ""),
        ([], ["evaluate"], "stage train did not run again: is it frozen in dvc.yaml?"),
        (["train"], ["evaluate"], ""),
        (["train"], [], "stage evaluate did not run again: is it frozen in dvc.yaml?"),
    ],
)
def test_every_stage_that_writes_something_runs_again_unless_it_is_believed(
    believed: list[str], ran: list[str], failure: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("model").write_text("of another time")

    def dvc(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        assert Path("model").exists() == ("train" in believed)  # what a stage has to write is not there before
        Path("dvc.lock").write_text(LOCK.replace("MD5", MD5))
        return subprocess.CompletedProcess(arguments, 0, "".join(f"Running stage '{name}':\n" for name in ran), "")

    monkeypatch.setattr(recompute, "dvc", dvc)

    assert recompute.recompute(tmp_path, believed, 1e-4).failure == failure


def test_whether_what_is_believed_is_the_bases_is_said() -> None:
    not_recomputed = {"train": "takes long", "none": "no reason"}
    assert believed_results(not_recomputed, "base", "HEAD") == [
        "train was not run again (takes long): its outputs are those of the base",
        "none is not a stage",
    ]

    commit(LOCK.replace("MD5", "f" * 32, 1))

    line, _ = believed_results(not_recomputed, "base", "HEAD")
    assert line == "train was not run again (takes long): its outputs are believed, not recomputed"
