"""The environment as an input: what a bump makes stale, what refuses to run, and what the gate says."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import BakedProject, copied
from github import hub
from runner import TOOLS

OTHER = "1.9.0"  # of scikit-learn, beside the one that is locked
NOT_LOCKED = f"scikit-learn {{}} is installed, requirements.txt has {OTHER}: make setup"


@pytest.fixture(scope="session")
def other_environment(project: BakedProject, once: Callable[..., BakedProject]) -> Path:
    """The environment of the other projects, but with another scikit-learn."""

    def make(folder: Path) -> BakedProject:
        whole, venv = (project.path / ".venv").resolve(), folder / "venv"
        subprocess.run([whole / "bin/python", "-m", "venv", "--without-pip", venv], check=True)
        (site,), (whole_site,) = venv.glob("lib/*/site-packages"), whole.glob("lib/*/site-packages")
        (site / "whole.pth").write_text(f"import site; site.addsitedir({str(whole_site)!r})\n")
        project.run(f"uv pip install --quiet --no-deps --python {venv} scikit-learn=={OTHER}")
        for name in ("dvc", "uv", project.path.name):
            path = venv / "bin" / name
            shutil.copy(whole / "bin" / name, path)
            if name != "uv":
                path.write_text(path.read_text().replace(str(whole), str(venv)))
        return BakedProject(venv)

    return once("other-environment", make).path


def use(project: BakedProject, venv: Path) -> None:
    (project.path / ".venv").unlink()
    (project.path / ".venv").symlink_to(venv)


def lock_version(project: BakedProject, package: str, version: str) -> str:
    """Let the lock name another version, as a bot does that knows nothing else of the repo. Returns the one before."""
    line = next(line for line in project.text("requirements.txt").splitlines() if line.startswith(f"{package}=="))
    before = line.split()[0].partition("==")[2]
    project.replace("requirements.txt", f"{package}=={before}", f"{package}=={version}")
    return before


def stale_stages(project: BakedProject) -> set[str]:
    return set(json.loads(project.run("dvc status --json").stdout)) - {"data/raw/telco.csv.dvc"}


def gate(project: BakedProject) -> tuple[int, str]:
    done = project.run("make gate BASE=HEAD~1", check=False)
    return done.returncode, done.stdout


@pytest.mark.slow
def test_a_bump_of_scikit_learn_re_runs_train_and_what_follows_and_is_judged(
    base: BakedProject, other_environment: Path, tmp_path: Path
) -> None:
    project = copied(base, tmp_path)
    locked = lock_version(project, "scikit-learn", OTHER)
    project.commit("Bump scikit-learn in the lock alone")

    # The lock alone has moved: nothing runs, and the gate names the command.
    disagree = f"requirements.txt has scikit-learn {OTHER}, environment.yaml {locked}: make environment"
    refused = project.run("make repro", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"error: {disagree}\n" in refused.stderr
    code, report = gate(project)
    assert code != 0
    assert f"gate: FAIL against HEAD~1 ({project.run('git rev-parse --short=9 HEAD~1').stdout.strip()})" in report
    assert f"nothing was recomputed: {disagree}" in report

    # The other versions are known: what depends on them is stale. But another one is installed.
    assert f"scikit-learn {locked} → {OTHER}\n" in project.run("make environment").stdout
    assert stale_stages(project) == {"train", "walk_forward", "evaluate", "track"}
    name = project.path.name
    for command in (
        "make repro",
        "dvc repro",
        f"{name} serve",
        f"{name} score --input x.csv --output y",
    ):
        refused = project.run(command, check=False)
        assert f"error: {NOT_LOCKED.format(locked)}\n" in refused.stderr
    project.commit("Versions")
    code, report = gate(project)
    assert code != 0
    assert f"nothing was recomputed: {NOT_LOCKED.format(locked)}" in report

    # In the environment of the lock the gate finds the results stale; then they are computed, and judged as any other.
    use(project, other_environment)
    code, report = gate(project)
    assert code != 0
    assert (
        "the committed results are stale: environment.yaml: model.scikit-learn changed since the last dvc repro"
        in report
    )
    ran = project.run("make repro").stdout
    assert [
        name for name in ("data", "validate", "featurize", "train", "evaluate") if f"Running stage '{name}'" in ran
    ] == [
        "train",
        "evaluate",
    ]
    assert f"scikit-learn {OTHER}" in project.text("reports/model_card.md")
    project.commit("Results")
    code, report = gate(project)
    assert code == 0, report


@pytest.mark.slow
def test_a_bump_of_a_package_that_no_result_depends_on_re_runs_nothing(base: BakedProject, tmp_path: Path) -> None:
    project = copied(base, tmp_path)
    lock_version(project, "fastapi", "99.0")
    project.commit("Bump fastapi")

    ran = re.findall(r"Running stage '(\w+)'", project.run("make repro").stdout)
    assert set(ran) <= {"track"}  # which has not run in this project
    code, report = gate(project)

    assert code == 0, report
    assert "gate: PASS" in report


@pytest.mark.slow
def test_what_an_old_python_left_is_made_anew_and_said(project: BakedProject, tmp_path: Path) -> None:
    """The least of a project: what `make setup` reads before it installs anything."""
    for name in ("Makefile", "pyproject.toml", "requirements.txt", ".python-version", "scripts/make_venv.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(project.path / name, tmp_path / name)
    here = BakedProject(tmp_path)
    (tmp_path / ".python-version").write_text("3.99\n")
    (tmp_path / "dvc.lock").write_text("{}\n")
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"

    other = here.run(f"make setup PYTHON={sys.executable}", check=False)
    here.replace("pyproject.toml", 'requires-python = ">=3.11"', 'requires-python = ">=3.98"')
    old = here.run(f"make setup PYTHON={sys.executable}", check=False)

    assert (
        f"error: the results were computed with Python 3.99 (.python-version), and {sys.executable} is {minor}: "
        in other.stderr
    )
    assert (
        f"error: Python 3.98 or newer is needed, and {sys.executable} is {minor}: make setup PYTHON=python3.98\n"
        in old.stderr
    )
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
def test_a_relock_says_which_package_moved_which_metric(base: BakedProject, tmp_path: Path) -> None:
    project = copied(base, tmp_path)
    project.replace("pyproject.toml", "scikit-learn>=1.9,<1.10", "scikit-learn>=1.9,<1.9.1")
    project.commit("Another scikit-learn")

    project.run(
        "git init --quiet --bare ../origin.git && git remote add origin ../origin.git && git push --quiet origin main"
    )
    (tmp_path / "gh").mkdir()

    with hub(tmp_path / "gh") as github:
        path = f"{project.path / '.venv/bin'}:{TOOLS}:{os.environ['PATH']}"  # with gh
        printed = project.run("make relock", PATH=path, **github.environment).stdout

    before = project.run("git rev-parse HEAD").stdout.strip()
    subjects = project.run(f"git log --reverse --format=%s {before}..origin/relock").stdout.splitlines()
    assert any("scikit-learn 1.9.1 → 1.9.0" in subject for subject in subjects), printed
    assert "environment.yaml" in project.run(f"git diff --name-only {before} origin/relock").stdout
    (pull,) = github.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"]) == ("relock", "main")
    assert pull["body"].startswith("| packages | metrics of the test rows |") or "Blocked by the gate" in pull["body"]
    assert "scikit-learn 1.9.1 → 1.9.0" in pull["body"]
    assert "environment.yaml: model.scikit-learn" in pull["body"]
    assert project.run("git status --porcelain").stdout == ""


@pytest.mark.slow
def test_a_relock_without_a_network_is_one_line_and_changes_nothing(base: BakedProject, tmp_path: Path) -> None:
    project = copied(base, tmp_path)
    nowhere = {"UV_NO_CACHE": "1", "UV_INDEX_URL": "http://127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"}

    done = project.run(f"{project.path.name} relock --local", check=False, **nowhere)

    assert done.returncode == 2
    assert done.stderr.startswith("error: the lock cannot be renewed: ")
    assert done.stderr.count("\n") == 1
    assert project.run("git status --porcelain").stdout == ""
    assert project.run("git branch --list relock").stdout == ""
