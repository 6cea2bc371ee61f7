"""The loop closed: what a real server has logged becomes a new dataset, model and pull request, with real DVC, git and `gh`."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import BakedProject, clean_environment, copied
from github import Hub, hub
from runner import TOOLS, act, jobs
from served import Served
from serving import Client, ready, serving, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

NEW = 240  # rows of customers that the dataset does not have


@dataclass
class Loop:
    """A project with everything that retraining reaches: a log, a git remote, DVC's storage, and GitHub."""

    project: BakedProject
    origin: Path
    hub: Hub
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.project.path / '.venv/bin'}:{TOOLS}:/usr/bin:/bin"
        return {"PATH": path, "PYTHONPATH": "src", "GITHUB_ACTIONS": "true"} | self.hub.environment

    def retrain(self, options: str = "", code: int = 0) -> str:
        done = self.project.run(f"telco-churn retrain --log {self.log} {options}", check=False, **self.environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def start(self) -> "subprocess.Popen[str]":
        """Start a retraining in a process group of its own, to be killed by the test."""
        return subprocess.Popen(
            [str(self.project.path / ".venv/bin/telco-churn"), "retrain", "--log", str(self.log)],
            cwd=self.project.path,
            env=clean_environment() | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def branches(self) -> dict[str, str]:
        """The retraining branches that were pushed, and their commits."""
        lines = git(
            self.origin, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/retrain"
        ).split("\n")
        return dict(line.split() for line in lines if line)

    def state(self) -> tuple[str, ...]:
        """What a person has checked out, and whether anything of ours is left behind."""
        here = self.project.path
        return (
            git(here, "status", "--porcelain", "--branch"),
            git(here, "worktree", "list"),
            (here / "data/raw/telco.csv").read_text()[-200:],
        )


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def log(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a real server has written of customers old and new, and of what has become of them."""
    folder = tmp_path_factory.mktemp("log")
    script = "dict(zip(frame['customer_id'], frame['churn'].astype(str)))"
    truth = served.project.parquet("data/features/test.parquet", script)
    served.move("production", 1)
    with serving(served.project, folder) as server:
        until(lambda: ready(server), "it is ready", server)
        client = Client(server.port)

        def ask(row: dict[str, Any], *labels: Any) -> None:
            answer = client.ask("/predict", row)
            for label in labels:
                said = client.ask("/feedback", {"request_id": answer.body["request_id"], "label": label})
                assert said.status == 204

        for number in range(NEW):
            row = served.rows[number]
            actual = truth[row["customer_id"]]
            wrong = ["Yes" if actual == "No" else "No"] if number == 7 else []
            ask(row | {"customer_id": f"C2{number:04}"}, *wrong, actual)  # the last label counts
        ask(served.rows[0] | {"customer_id": "C20000", "tenure": 71}, "Yes")  # the last answer counts
        for row in served.rows[:5]:
            ask(row, truth[row["customer_id"]])  # in the dataset already
        for row in served.rows[:3]:
            ask({name: value for name, value in row.items() if name != "customer_id"}, "No")  # nobody knows whose
        for number in range(10):
            ask(served.rows[number] | {"customer_id": f"C3{number:04}"})  # no label yet
    with next(folder.glob("*/*.jsonl")).open("a") as file:
        file.write('{"time":"2026-')  # as a crash leaves it
    return folder


@pytest.fixture(scope="module")
def start(base: BakedProject, log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """A project that has been pushed, before its first retraining."""
    folder = tmp_path_factory.mktemp("loop")
    project = copied(base, folder)
    text = project.text("dvc.yaml")
    start, end = text.index("  track:\n"), text.index("\n# What `dvc plots show`")
    (project.path / "dvc.yaml").write_text(text[:start] + text[end:])  # takes long, and is no part of this
    project.commit("Without MLflow")
    origin = folder / "origin.git"
    project.run(f"git clone --quiet --bare . {origin} && git remote add origin {origin}")
    (folder / "gh").mkdir()
    with hub(folder / "gh") as github:
        yield Loop(project, origin, github, log)


@pytest.fixture(scope="module")
def retrained(start: Loop) -> tuple[Loop, str]:
    """The same after it, and what was printed. Read it, do not change it."""
    before = start.state()
    printed = start.retrain("--reason 'tenure drifted; `touch hacked` @someone'")
    assert start.state() == before
    return start, printed


def again(loop: Loop, folder: Path) -> Iterator[Loop]:
    """A copy that a test may change."""
    project = copied(loop.project, folder)
    shutil.copytree(loop.origin, folder / "origin.git")
    shutil.copytree(loop.project.path.parent / "telco-churn-dvc-storage", folder / "telco-churn-dvc-storage")
    project.run(f"git remote set-url origin {folder / 'origin.git'}")
    (folder / "gh").mkdir()
    with hub(folder / "gh") as github:
        github.pulls = deepcopy(loop.hub.pulls)
        yield Loop(project, folder / "origin.git", github, loop.log)


@pytest.fixture
def after(retrained: tuple[Loop, str], tmp_path: Path) -> Iterator[Loop]:
    yield from again(retrained[0], tmp_path)


def test_labels_come_back_as_a_pull_request_with_the_gates_report(retrained: tuple[Loop, str]) -> None:
    loop, printed = retrained
    (pull,) = loop.hub.pulls
    ((branch, commit),) = loop.branches().items()

    assert "retrain: gate: PASS against " in printed
    assert printed.endswith("retrain: opened pull request #1: https://github.com/o/r/pulls/1\n")
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["draft"]) == (branch, "main", False)
    assert pull["title"].startswith(f"Retrain with {NEW} newly labelled rows, 20")
    assert "### ✅ Gate: PASS against " in pull["body"]
    assert "@someone" not in pull["body"]
    assert "the base has 1,384 test rows, the branch 1,4" in pull["body"]
    assert f"<!-- retrained: {commit} -->" in pull["body"]
    assert loop.hub.started == [("pull-request.yml", {"ref": branch})]


def test_the_commit_says_why_and_what_changed(retrained: tuple[Loop, str]) -> None:
    loop, _ = retrained
    (commit,) = loop.branches().values()
    message = git(loop.origin, "log", "-1", "--format=%B", commit)

    assert "Why: tenure drifted; `touch hacked` @someone" in message
    assert f"{NEW} rows are new; 5 more are in the dataset already" in message
    assert "1 rows were answered again later; the last answer counts" in message
    assert "3: column customer_id: the row has none" in message
    assert "Test rows of each: roc_auc 0.8483 → 0.8" in message
    assert "new test rows, production's answers and the retrained model: roc_auc 0.8" in message
    assert git(loop.origin, "rev-list", "--count", f"main..{commit}") == "1"
    assert not list(loop.project.path.rglob("hacked"))


def test_lines_that_cannot_be_read_are_counted(retrained: tuple[Loop, str]) -> None:
    assert "retrain: 1 lines of the log cannot be read" in retrained[1]


def test_a_clone_has_the_dataset_with_its_new_rows_at_the_end_and_where_they_came_from(
    retrained: tuple[Loop, str], tmp_path: Path
) -> None:
    loop, _ = retrained
    ((branch, _),) = loop.branches().items()
    storage = loop.project.path.parent / "telco-churn-dvc-storage"
    git(tmp_path, "clone", "--quiet", "--branch", branch, str(loop.origin), "clone")
    clone = BakedProject(tmp_path / "clone")
    (clone.path / ".venv").symlink_to((loop.project.path / ".venv").resolve())
    clone.run(f"dvc remote modify --local storage url {storage} && dvc pull --quiet")
    old = (loop.project.path / "data/raw/telco.csv").read_text().splitlines()
    new = clone.text("data/raw/telco.csv").splitlines()
    sources = clone.text("data/raw/telco.sources.csv").splitlines()

    assert new[: len(old)] == old
    assert len(new) == len(old) + NEW == 7_044 + NEW
    assert len({line.partition(",")[0] for line in new}) == len(new)
    tenure = old[0].split(",").index("tenure")
    assert [line.split(",")[tenure] for line in new if line.startswith("C20000,")] == ["71"]
    assert sources[0] == "customer_id,source,answered,labelled,request_id,model_version"
    assert len(sources) == NEW + 1
    assert sources[1].startswith("C20001,prediction log,20")
    rows = [clone.parquet(f"data/features/{side}.parquet", "len(frame)") for side in ("train", "validation", "test")]
    assert sum(rows) == 7_043 + NEW
    assert 1_384 < rows[2] < 1_384 + NEW / 2


def test_the_same_rows_again_add_nothing_and_what_was_cut_off_is_finished(after: Loop) -> None:
    branches = after.branches()
    said = after.retrain()
    assert said.endswith("retrain: nothing is new since pull request #1, https://github.com/o/r/pulls/1\n")

    after.hub.pulls[0] |= {"body": "cut off before this was written", "draft": True}
    said = after.retrain()

    assert "has these rows already, from a retraining that was cut off: continuing there" in said
    assert said.endswith("retrain: updated pull request #1: https://github.com/o/r/pulls/1\n")
    assert after.hub.pulls[0]["draft"] is False
    assert "### ✅ Gate: PASS" in after.hub.pulls[0]["body"]
    assert after.branches() == branches


def test_what_others_have_committed_to_the_branch_is_not_lost(after: Loop) -> None:
    (branch,) = after.branches()
    after.project.run(f"git fetch --quiet origin && git switch --quiet --create mine origin/{branch}")
    after.project.run("git commit --quiet --allow-empty --message Mine && git push --quiet origin HEAD:" + branch)
    before = after.branches()

    said = after.retrain(code=1)

    assert said.startswith(f"error: the open pull request of {branch} has commits by others")
    assert after.branches() == before


def test_once_it_is_merged_there_is_nothing_to_learn(after: Loop) -> None:
    ((branch, commit),) = after.branches().items()
    git(after.origin, "update-ref", "refs/heads/main", commit)
    git(after.origin, "update-ref", "-d", f"refs/heads/{branch}")
    after.hub.pulls[0]["state"] = "closed"

    said = after.retrain()
    refused = after.retrain("--reason 'it drifts on'", code=1)

    nothing = f"nothing to learn: no new row among {NEW + 8 + 1} labelled ones; {NEW + 6} are in the dataset already, 3 left out"
    assert f"retrain: {nothing}" in said
    assert f"error: {nothing}" in refused
    assert "the reason remains (it drifts on)" in refused
    assert len(after.hub.pulls) == 1


def test_killed_at_any_moment_it_goes_on_and_a_model_the_gate_refuses_comes_as_a_draft(after: Loop) -> None:
    """On a main that has moved on: the open pull request is brought up to date, whenever the last run was killed."""
    here = after.project
    here.replace("gates.yaml", "roc_auc: {min: 0.80,", "roc_auc: {min: 0.99,")
    here.commit("Higher aims")
    here.run("git push --quiet origin main")
    before, (branch,), (old,) = after.state(), after.branches(), after.branches().values()

    def killed(when: str, condition: Any) -> None:
        process = after.start()
        deadline = time.monotonic() + 120
        while not condition():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, when
            time.sleep(0.01)
        if when == "begun":
            assert "error: another retraining is running in this repo" in after.retrain(code=1)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def worktree(name: str) -> list[Path]:
        return list((here.path / ".dvc/tmp/retrain").glob(f"*/{name}"))

    def local() -> str:
        return git(here.path, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    made = local()
    killed("begun", lambda: worktree("data/raw/telco.csv"))
    killed("trained", lambda: worktree("models/model.skops"))
    assert (after.branches(), local()) == ({branch: old}, made)
    killed("committed", lambda: local() != made)
    commit = local()
    assert after.branches() == {branch: old}
    killed("pushed", lambda: after.branches() != {branch: old})
    said = after.retrain(code=1)

    assert after.state() == before
    assert after.branches() == {branch: commit}
    assert local() == commit
    assert "retrain: gate: FAIL against " in said
    (pull,) = after.hub.pulls
    assert pull["draft"] is True
    assert pull["title"].startswith("Blocked by the gate: Retrain with ")
    assert pull["body"].startswith("**Blocked by the gate, so this is a draft.**")
    assert "roc\\_auc is 0.8" in pull["body"]


def test_without_a_remote_it_stops_at_the_commit_and_says_what_is_left_to_do(after: Loop) -> None:
    """It has the commit already, of the run before."""
    after.project.run("git remote remove origin")
    asked = len(after.hub.asked)

    said = after.retrain()

    (branch,) = after.branches()
    assert f"left to do: dvc push, git push origin {branch}, and a pull request with .dvc/tmp/retrain.md" in said
    assert "### ✅ Gate: PASS" in after.project.text(".dvc/tmp/retrain.md")
    assert len(after.hub.asked) == asked


def test_too_few_new_rows_are_not_worth_it(start: Loop) -> None:
    start.project.replace("retraining.yaml", "min_rows: 100 ", f"min_rows: {NEW + 1} ")
    try:
        said = start.retrain("--local")
        start.project.replace("retraining.yaml", "branch: main", "branch: trunk")
        lost = start.retrain("--local", code=2)
    finally:
        start.project.run("git checkout --quiet retraining.yaml")

    assert f"retrain: nothing to learn: {NEW} new rows, min_rows of retraining.yaml is {NEW + 1}, among" in said
    assert "branch of retraining.yaml: trunk: git knows no such revision here" in lost


def test_the_workflow_fetches_the_log_pushes_with_the_steps_token_and_starts_the_checks(
    after: Loop, tmp_path: Path
) -> None:
    """It goes on from a commit that was made and not pushed, so that it need not train again."""
    here = after.project
    ((branch, commit),) = after.branches().items()
    git(after.origin, "update-ref", "-d", f"refs/heads/{branch}")
    after.hub.pulls.clear()
    here.run("git remote set-url origin https://github.com/o/r.git")  # by which act names the repo
    settings = tmp_path / "gitconfig"  # which act must not see: it would take the folder for the repo's name
    settings.write_text(f'[url "{after.origin}"]\n    insteadOf = https://github.com/o/r.git\n')

    done = act(here, tmp_path, "workflow_dispatch", "--workflows=.github/workflows/retrain.yml", "--secret=GITHUB_TOKEN=x",
               f"--var=PREDICTION_LOG={after.log}", f"--env=GH_CONFIG_DIR={after.hub.folder}",
               f"--env=PATH={TOOLS}:/usr/bin:/bin", f"--env=GIT_CONFIG_GLOBAL={settings}", inputs={"reason": "a `touch hacked` reason"})  # fmt: skip

    assert jobs(done.stdout) == {"retrain": "succeeded"}, done.stdout[-6000:]
    assert after.branches() == {branch: commit}
    assert after.hub.started == [("pull-request.yml", {"ref": branch})]
    (pull,) = after.hub.pulls
    assert pull["head"]["ref"] == branch
    assert "### ✅ Gate: PASS" in pull["body"]


def test_without_a_log_the_workflow_says_what_to_set(start: Loop, tmp_path: Path) -> None:
    done = act(start.project, tmp_path, "schedule", "--workflows=.github/workflows/retrain.yml")

    assert jobs(done.stdout) == {"unconfigured": "succeeded"}, done.stdout[-6000:]
    assert "Nothing was retrained: the repository variable PREDICTION_LOG" in done.stdout
