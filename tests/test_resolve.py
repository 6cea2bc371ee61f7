"""Branches that both retrained, brought together with real git and DVC by `make resolve`."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import BakedProject, clean_environment, copied

pytestmark = pytest.mark.slow

RAW = "data/raw/telco.csv"
ROWS = 7043
TUNED = {
    "rate": ("learning_rate: 0.05", "learning_rate: 0.06"),
    "penalty": ("l2_regularization: 1.0", "l2_regularization: 2.0"),
    "seed": ("seed: 42", "seed: 7"),
    "clash": ("learning_rate: 0.05", "learning_rate: 0.07"),
}
"""By branch: the parameter it changes."""
APPENDED = {"march": ("C9", 100), "april": ("C8", 60)}
"""By branch: how the ids of the rows begin that it adds to the dataset, and how many they are."""
TRACK = "\n  track:\n"


@pytest.fixture(scope="session")
def branches(reproduced: BakedProject, once: Callable[..., BakedProject]) -> BakedProject:
    """A project without the stage `track`, which takes longest, and the branches above, each with its results committed."""

    def make(folder: Path) -> BakedProject:
        project = copied(reproduced, folder)
        text = project.text("dvc.yaml")
        start = text.index(TRACK)
        (project.path / "dvc.yaml").write_text(text[:start] + text[text.index("\n# What `dvc plots show`") :])
        project.replace("params.yaml", "bootstrap: 1000", "bootstrap: 100")
        believed = "{data: quick, validate: quick, featurize: quick, train: quick}"
        project.replace("gates.yaml", "not_recomputed: {}", f"not_recomputed: {believed}")
        retrain(project, "main")
        for branch, change in TUNED.items():
            project.run(f"git switch --quiet --create {branch} main && dvc checkout --quiet")
            project.replace("params.yaml", *change)
            # Before DVC writes git's index, which hides a change of equal size and second.
            project.run("git add params.yaml")
            retrain(project, branch)
        for branch, (start, count) in APPENDED.items():
            project.run(f"git switch --quiet --create {branch} main && dvc checkout --quiet")
            lines = project.text(RAW).splitlines()
            added = "".join(f"{start}{line[2:]}\n" for line in lines[-count:])
            (project.path / RAW).write_text("\n".join(lines) + "\n" + added)
            project.run(f"dvc add --quiet {RAW} && dvc push --quiet --remote embedded {RAW}.dvc")
            retrain(project, branch)
        project.run("git switch --quiet main && dvc checkout --quiet")
        return project

    return once("branches", make)


def retrain(project: BakedProject, message: str) -> None:
    project.run("dvc repro --quiet")
    project.commit(message)


@pytest.fixture
def on(branches: BakedProject, tmp_path: Path) -> Callable[[str], BakedProject]:
    """Return a copy of that project on a branch."""

    def switched(branch: str) -> BakedProject:
        project = copied(branches, tmp_path)
        project.run(f"git switch --quiet {branch} && dvc checkout --quiet")
        return project

    return switched


def git(project: BakedProject, command: str) -> list[str]:
    """Run a git command that may stop, and return the files that it left in conflict."""
    project.run(f"git {command}", check=False)
    return project.run("git diff --name-only --diff-filter=U").stdout.splitlines()


def resolve(project: BakedProject, options: str = "", code: int = 0) -> str:
    done = project.run(f"telco-churn resolve {options}", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def assert_finished(project: BakedProject, *branches: str) -> None:
    """Everything is committed, in step with its inputs, and has what the branches have changed."""
    assert project.run("git status --porcelain").stdout == ""
    assert project.run("git ls-files --unmerged").stdout == ""
    project.run("dvc status --quiet")
    trained = project.read("dvc.lock")["stages"]["train"]["params"]["params.yaml"]
    for branch in branches:
        name, _, value = TUNED[branch][1].partition(": ")
        assert (trained | trained["train"]["parameters"])[name] == float(value)


@pytest.mark.parametrize(
    ("start", "finish"),
    [
        ("merge penalty", "git commit --no-edit"),
        ("rebase penalty", "git rebase --continue"),
        ("cherry-pick penalty", "git cherry-pick --continue"),
    ],
)
def test_what_stopped_because_both_retrained_is_finished_by_one_command(
    on: Callable[[str], BakedProject], start: str, finish: str
) -> None:
    project = on("rate")

    conflicting = git(project, start)
    output = resolve(project)

    assert "dvc.lock" in conflicting
    assert "metrics/test.json" in conflicting
    assert "<<<<<<<" not in project.text("dvc.lock")  # .gitattributes
    assert f"took our side of {len(conflicting)} generated files in conflict" in output
    assert f"to finish it: `{finish}`" in output
    project.run(f"GIT_EDITOR=true {finish}")
    assert_finished(project, "rate", "penalty")


def test_the_gate_says_so_before_and_passes_after(on: Callable[[str], BakedProject]) -> None:
    project = on("rate")

    before = project.run("telco-churn gate --base penalty", check=False).stdout
    git(project, "merge penalty")
    resolve(project)
    project.run("git commit --quiet --no-edit")

    assert "and both have retrained: run git merge penalty, then make resolve" in before
    assert "gate: PASS against penalty" in project.run("make --silent gate BASE=penalty").stdout


def test_three_branches_are_merged_one_after_another(on: Callable[[str], BakedProject]) -> None:
    project = on("rate")

    assert git(project, "merge penalty seed") == []  # git leaves several branches that conflict as they are
    assert "nothing to resolve" in resolve(project)
    for branch in ("penalty", "seed"):
        git(project, f"merge {branch}")
        resolve(project)
        project.run("git commit --quiet --no-edit")

    assert_finished(project, "rate", "penalty", "seed")


def test_a_real_conflict_is_left_to_the_user_and_its_answer_is_computed(on: Callable[[str], BakedProject]) -> None:
    project = on("rate")
    git(project, "merge clash")

    output = resolve(project, code=1)

    assert git(project, "status") == ["params.yaml"]
    assert "  params.yaml: changed on both sides: edit it, then `git add params.yaml`" in output
    assert "1 conflict left to you" in output.splitlines()[-1]
    project.run("git checkout --quiet --theirs params.yaml && git add params.yaml")
    resolve(project)
    project.run("git commit --quiet --no-edit")
    assert_finished(project, "clash")


def test_rows_appended_on_both_sides_are_all_in_the_dataset_even_without_a_cache(
    on: Callable[[str], BakedProject],
) -> None:
    project = on("march")
    project.run("rm -rf .dvc/cache data/raw/telco.csv data/interim/* data/features/* models/*.skops")
    git(project, "merge april")

    output = resolve(project, code=1)

    assert f"{RAW}.dvc: ours has 7,143 rows (DVC " in output
    assert "theirs has 7,103 rows (DVC " in output
    assert "or with DATA=both, as rows were only appended (7,203 in all)" in output
    assert "took the rows of both sides, 7,203 in all" in resolve(project, "--data both")
    project.run("git commit --quiet --no-edit")
    assert_finished(project)
    lines = project.text(RAW).splitlines()
    assert len(lines) - 1 == ROWS + 160
    assert all(sum(line.startswith(start) for line in lines) == count for start, count in APPENDED.values())
    assert project.read("reports/validation.json")["rows"] == len(lines) - 1
    assert project.read(f"{RAW}.dvc")["outs"][0]["remote"] == "embedded"
    project.run(f"git clone --quiet . ../clone && cd ../clone && dvc pull --quiet {RAW}.dvc && cmp {RAW} $OLDPWD/{RAW}")


@pytest.mark.parametrize(("choice", "rows"), [("ours", 7143), ("theirs", 7103)])
def test_the_dataset_of_one_side_can_be_taken(on: Callable[[str], BakedProject], choice: str, rows: int) -> None:
    project = on("march")
    git(project, "merge april")

    resolve(project, f"--data {choice}")

    project.run("git commit --quiet --no-edit")
    assert_finished(project)
    assert project.read("reports/validation.json")["rows"] == rows
    assert len(project.text(RAW).splitlines()) - 1 == rows


def test_the_data_of_the_other_side_is_brought_and_an_unsaved_change_of_it_is_not_lost(
    on: Callable[[str], BakedProject],
) -> None:
    project = on("rate")
    with (project.path / RAW).open("a") as file:
        file.write("unsaved\n")
    git(project, "merge april")

    output = resolve(project, code=1)

    assert f"{RAW}: DVC has no copy of this file, and the merge brings another version: move it away" in output
    assert project.text(RAW).endswith("unsaved\n")
    (project.path / RAW).unlink()
    resolve(project)
    project.run("git commit --quiet --no-edit")
    assert_finished(project, "rate")
    assert project.read("reports/validation.json")["rows"] == ROWS + 60


def test_a_run_that_was_killed_is_finished_by_the_next_in_a_repo_without_attributes(
    on: Callable[[str], BakedProject],
) -> None:
    project = on("rate")
    (project.path / ".gitattributes").unlink()
    project.commit("As repos made before have it")
    git(project, "merge penalty")
    assert "<<<<<<<" in project.text("dvc.lock")

    for line in ("took our side", "running the pipeline", "train:"):
        kill_after(project, line)

    resolve(project)
    project.run("git commit --quiet --no-edit")
    assert_finished(project, "rate", "penalty")


def kill_after(project: BakedProject, text: str) -> None:
    """Run `resolve` until it has printed a text, then kill it with all that it has started."""
    process = subprocess.Popen(
        [str(project.path / ".venv/bin/telco-churn"), "resolve"],
        cwd=project.path,
        env=clean_environment()
        | {"PATH": f"{project.path / '.venv/bin'}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    for line in process.stdout:
        if text in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    time.sleep(0.1)


def test_results_of_a_file_that_is_not_staged_are_refused(on: Callable[[str], BakedProject]) -> None:
    project = on("rate")
    git(project, "merge penalty")
    project.replace("params.yaml", "max_iter: 150", "max_iter: 90")

    assert "params.yaml: changes that are not staged would not be in the commit" in resolve(project, code=1)


def test_a_clone_that_converts_line_ends_has_the_same_bytes(branches: BakedProject, tmp_path: Path) -> None:
    clone = BakedProject(tmp_path / "clone")
    subprocess.run(
        ["git", "clone", "--quiet", "-c", "core.autocrlf=true", str(branches.path), str(clone.path)], check=True
    )
    (clone.path / ".venv").symlink_to((branches.path / ".venv").resolve())

    clone.run(f"dvc pull --quiet {RAW}.dvc")
    clone.run(f"dvc cache dir --local {branches.path}/.dvc/cache && dvc checkout --quiet")

    assert clone.run("dvc status").stdout == "Data and pipelines are up to date.\n"
    assert clone.run("git status --porcelain").stdout == ""
    embedded = clone.hashes(".dvc/embedded")
    assert embedded
    assert embedded == branches.hashes(".dvc/embedded")
