"""Projects that lie in subfolders of one git repository: scaffold, pipeline, gate and workflows."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TEMPLATE, BakedProject, add_worse_branch, clean_environment, copied
from runner import TOOLS, act, jobs

ONE, OTHER = "telco-churn", "services/fraud.model"


def render(folder: Path, *answers: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "--output-dir", str(folder), *answers]
    return subprocess.run(
        command,
        env=clean_environment(),
        check=check,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def repository(folder: Path) -> BakedProject:
    """A git repository with one commit, that holds no project yet."""
    root = BakedProject(folder / "mono")
    root.path.mkdir()
    (root.path / "README.md").write_text("# Everything\n")
    root.run("git init --quiet --initial-branch=main")
    root.commit("Start")
    return root


def two_projects(folder: Path) -> BakedProject:
    root = repository(folder)
    render(root.path, f"project={ONE}")
    render(root.path / Path(OTHER).parent, f"project={Path(OTHER).name}")
    return root


@pytest.fixture(scope="session")
def mono(base: BakedProject, once: Callable[..., BakedProject]) -> BakedProject:
    """Two projects in one repository; the first has results, and a worse model on the branch `worse`."""

    def make(folder: Path) -> BakedProject:
        root = two_projects(folder)
        project = BakedProject(root.path / ONE)
        base.run(f"git archive main | tar -x -C {project.path} --exclude=.dvc/config --exclude=.template.json")
        shutil.copytree(base.path / ".dvc/cache", project.path / ".dvc/cache")
        (project.path / ".venv").symlink_to((base.path / ".venv").resolve())
        project.run("dvc checkout --quiet")
        project.commit("Results")
        add_worse_branch(project)
        return root

    return once("mono", make)


@pytest.fixture
def copy(mono: BakedProject, tmp_path: Path) -> BakedProject:
    """A copy of the repository, that a test may change."""
    return BakedProject(Path(shutil.copytree(mono.path, tmp_path / "mono", symlinks=True)))


def test_a_scaffold_in_a_repository_is_a_commit_of_its_folder_alone(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root.path / "staged").touch()
    root.run("git add staged && echo mine >> README.md")

    output = render(root.path, f"project={ONE}").stdout

    assert f"{ONE} is ready, committed on main of the repository that it lies in" in output
    assert "make workflows" in output
    assert not (root.path / ONE / ".git").exists()
    assert root.run("git log -1 --format=%s").stdout == f"Scaffold {ONE}\n"
    assert set(root.run("git diff --name-only HEAD~1 HEAD").stdout.split()) == set(
        root.run(f"git ls-files {ONE}").stdout.split()
    )
    assert root.run("git status --porcelain").stdout == " M README.md\nA  staged\n"
    storage = re.search(r"url = (.*storage)", root.text(f"{ONE}/.dvc/config"))
    assert (root.path / ONE / ".dvc" / storage[1]).resolve() == tmp_path / f"{ONE}-dvc-storage"
    tree = root.read(f"{ONE}/.template.json")["tree"]
    assert root.run(f"git diff --name-only {tree} HEAD:{ONE}").stdout == ".template.json\n"


def test_a_second_scaffold_over_a_committed_one_commits_nothing(tmp_path: Path) -> None:
    root = repository(tmp_path)
    render(root.path, f"project={ONE}")

    output = render(root.path, "--overwrite-if-exists", f"project={ONE}").stdout

    assert "nothing was committed" in output
    assert root.run("git rev-list --count HEAD").stdout == "2\n"
    assert root.run("git status --porcelain").stdout == ""


def test_a_folder_that_the_repository_around_it_ignores_gets_a_repository_of_its_own(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root.path / ".gitignore").write_text("/build/\n")

    output = render(root.path / "build", f"project={ONE}").stdout

    assert "with a first commit on main" in output
    assert BakedProject(root.path / "build" / ONE).run("git rev-list --count HEAD").stdout == "1\n"
    assert root.run("git rev-list --count HEAD").stdout == "1\n"


def test_nothing_is_scaffolded_into_a_repository_in_the_middle_of_a_merge(tmp_path: Path) -> None:
    root = repository(tmp_path)
    root.run(
        "git switch --quiet --create theirs && git commit --quiet --allow-empty -m Theirs && git switch --quiet main"
    )
    root.run("git commit --quiet --allow-empty -m Ours && git merge --quiet --no-commit --no-ff theirs")

    done = render(root.path, f"project={ONE}", check=False)

    assert done.returncode == 1
    assert "a merge is in progress in the repository around it: finish it first" in done.stderr
    assert not (root.path / ONE).exists()
    assert root.run("git status --porcelain").stdout == ""


@pytest.mark.slow
def test_a_worse_model_in_a_subfolder_is_blocked(copy: BakedProject) -> None:
    project = BakedProject(copy.path / ONE)
    project.run("dvc push --quiet && git switch --quiet worse && dvc checkout --quiet")
    lock = yaml.safe_load(project.run("git show main:./dvc.lock").stdout)
    outputs = {output["path"]: output["md5"] for output in lock["stages"]["evaluate"]["outs"]}
    md5 = outputs["data/predictions/test.parquet"]
    cached = project.path / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    cached.unlink()

    done = project.run("make gate", check=False)

    assert done.returncode != 0
    assert "gate: FAIL against main" in done.stdout
    report = project.read("reports/gate.json")
    assert {reason["kind"] for reason in report["reasons"]} == {"limit"}
    assert report["files_affecting_verdict"] == []
    assert report["paired_rows"] > 1000
    assert cached.exists()  # from the remote, not computed again
    assert project.run("git worktree list").stdout.count("\n") == 1
    assert project.run("git status --porcelain").stdout == ""


@pytest.mark.slow
def test_a_change_of_another_project_in_the_repository_changes_nothing(copy: BakedProject) -> None:
    project, other = (BakedProject(copy.path / name) for name in (ONE, OTHER))
    copy.run("git switch --quiet --create branch")
    for name in (
        "params.yaml",
        "gates.yaml",
        "dvc.yaml",
        ".gitattributes",
        f"src/{Path(OTHER).name.replace('.', '_')}/features.py",
    ):
        (other.path / name).write_text(other.text(name) + "# changed\n")
    copy.commit("The other one")

    done = project.run("make gate")

    assert "gate: PASS: nothing changed" in done.stdout
    assert project.read("reports/gate.json")["files_affecting_verdict"] == []


def test_the_template_is_not_updated_in_a_subfolder(project: BakedProject, tmp_path: Path) -> None:
    nested = BakedProject(two_projects(tmp_path).path / ONE)
    (nested.path / ".venv").symlink_to((project.path / ".venv").resolve())

    for command in ("make template-update", f"{ONE} template-link {TEMPLATE}"):
        done = nested.run(command, check=False)

        assert done.returncode != 0
        assert f"error: the project is the folder {ONE} of a larger git repository" in done.stderr


@pytest.fixture
def written(project: BakedProject, tmp_path: Path) -> BakedProject:
    """Two projects whose workflows are written to the root of their repository."""
    root = two_projects(tmp_path)
    for name in (ONE, OTHER):
        (root.path / name / ".venv").symlink_to((project.path / ".venv").resolve())
        BakedProject(root.path / name).run("make workflows")
    return root


def workflows(folder: Path) -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text()) for path in (folder / ".github/workflows").glob("*.yml")}


def steps_after_checkout(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    steps = []
    for job in workflow["jobs"].values():
        uses = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
        if "actions/checkout" in uses:
            steps += job["steps"][uses.index("actions/checkout") + 1 :]
    return steps


def test_workflows_of_projects_in_one_repository_run_in_their_folders_and_share_no_name(written: BakedProject) -> None:
    root = workflows(written.path)
    labels = {ONE: "telco-churn", OTHER: "services-fraud-model"}

    for folder, label in labels.items():
        own = workflows(written.path / folder)
        assert {name for name in root if name.startswith(label)} == {f"{label}-{name}" for name in own} - {
            f"{label}-template-update.yml"
        }
        for name, source in own.items():
            if name == "template-update.yml":
                continue
            workflow = root[f"{label}-{name}"]
            assert workflow["name"] == f"{label}-{source['name']}"
            for step, before in zip(steps_after_checkout(workflow), steps_after_checkout(source), strict=True):
                inputs = step.get("with", {})
                if "run" in step:
                    assert step["working-directory"] == folder
                elif before["uses"].startswith("./"):
                    assert step["uses"] == f"./{folder}/.github/actions/setup"
                    assert inputs == {"folder": folder}
                if "path" in inputs:
                    lines = before["with"]["path"].splitlines()
                    assert inputs["path"].splitlines() == [f"{folder}/{line}" for line in lines]
                for key in {"key", "restore-keys"} & inputs.keys():
                    assert inputs[key].startswith((f"{label}-", "${{ steps."))
                for paths in re.findall(r"hashFiles\((.*?)\)", str(inputs)):
                    assert all(path.startswith(f"{folder}/") for path in re.findall(r"'([^']+)'", paths)), paths
            for owner in (workflow, *workflow["jobs"].values()):
                group = owner.get("concurrency", {}).get("group", label)
                assert group.startswith((label, "${{ github.workflow }}")), group
                environment = owner.get("environment", label)
                assert environment.startswith(label)
            for job in workflow["jobs"].values():
                assert not any("working-directory" in step for step in job["steps"]) or "checkout" in str(job)
    assert root["telco-churn-comment.yml"][True]["workflow_run"]["workflows"] == ["telco-churn-pull-request"]
    assert root["services-fraud-model-release.yml"][True]["push"]["paths"] == [
        f"{OTHER}/dvc.lock",
        f"{OTHER}/src/fraud_model/**",
        f"{OTHER}/src/lifecycle/core/**",
    ]
    variables = {
        label: set(re.findall(r"vars\.(\w+)", str([root[name] for name in root if name.startswith(label)])))
        for label in labels.values()
    }
    assert all(name.startswith("TELCO_CHURN_") for name in variables["telco-churn"])
    assert "SERVICES_FRAUD_MODEL_PREDICTION_LOG" in variables["services-fraud-model"]
    assert "repository variables TELCO_CHURN_PREDICTION_LOG," in str(root["telco-churn-monitor.yml"])


def test_the_check_to_require_is_named_after_the_project(written: BakedProject) -> None:
    for label in ("telco-churn", "services-fraud-model"):
        jobs_of = workflows(written.path)[f"{label}-pull-request.yml"]["jobs"]
        rules = written.read(f".github/rulesets/{label}-main.json")
        required = next(rule["parameters"] for rule in rules["rules"] if rule["type"] == "required_status_checks")

        assert f"|| '{label}-verdict'" in jobs_of["verdict"]["name"]
        assert f"format('{label}-verdict on {{0}}'" in jobs_of["verdict"]["name"]
        assert f"context={label}-verdict " in jobs_of["status"]["steps"][0]["run"]
        assert [check["context"] for check in required["required_status_checks"]] == [f"{label}-verdict"]
        assert rules["name"] == f"{label}-main"


def test_workflows_at_the_root_pass_the_linters_and_are_written_again_the_same(written: BakedProject) -> None:
    before = written.hashes(".github")
    for name in (ONE, OTHER):
        BakedProject(written.path / name).run("make workflows")
    (written.path / ".github/zizmor.yml").write_text(written.text(f"{ONE}/.github/zizmor.yml"))

    assert before == {name: digest for name, digest in written.hashes(".github").items() if "zizmor" not in name}
    for command in (
        "zizmor --offline --persona pedantic --no-progress .github",
        "actionlint",
        "check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml",
    ):
        done = written.run(command, check=False, PATH=f"{TOOLS}:/usr/bin:/bin")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_workflow_of_somebody_elses_at_the_root_is_not_overwritten(written: BakedProject) -> None:
    project, theirs = BakedProject(written.path / ONE), written.path / f".github/workflows/{ONE}-score.yml"
    theirs.write_text("name: theirs\n")
    (project.path / ".github/workflows/release.yml").unlink()

    refused = project.run("make workflows", check=False)
    theirs.unlink()
    project.run("make workflows")

    assert f"{ONE}-score.yml is not of this project" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (written.path / f".github/workflows/{ONE}-release.yml").exists()
    assert (written.path / ".github/workflows/services-fraud-model-release.yml").exists()


def test_the_workflows_of_a_repository_of_one_project_stay_where_they_are(project: BakedProject) -> None:
    done = project.run("make workflows")

    assert "nothing to do" in done.stdout
    assert project.run("git status --porcelain").stdout == ""


def test_workflows_run_on_pushes_to_the_default_branch_whatever_it_is_called(
    project: BakedProject, tmp_path: Path
) -> None:
    renamed = copied(project, tmp_path)
    renamed.run("git update-ref refs/remotes/origin/trunk HEAD")
    renamed.run("git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/trunk")

    done = renamed.run("make workflows")

    assert "pull-request.yml and release.yml now run on pushes to trunk" in done.stdout
    assert renamed.run("git diff --name-only").stdout.split() == [
        f".github/workflows/{name}.yml" for name in ("pull-request", "release")
    ]
    assert "    branches: [trunk]\n" in renamed.text(".github/workflows/release.yml")


@pytest.mark.slow
def test_the_workflow_at_the_root_judges_the_project_in_its_folder(copy: BakedProject, tmp_path: Path) -> None:
    project = BakedProject(copy.path / ONE)
    project.run("make workflows")
    (copy.path / ".venv").symlink_to((project.path / ".venv").resolve())
    (copy.path / ".git/info/exclude").write_text("/.venv\n")
    copy.commit("Workflows")
    copy.run("git switch --quiet --create branch")
    (project.path / "README.md").write_text("# Churn\n")
    copy.commit("Sound")
    copy.run("git update-ref refs/remotes/origin/main main && git remote add origin https://github.com/o/r.git")
    copy.run("git switch --quiet --detach main && git merge --quiet --no-ff --message Merge branch")
    into_main = {"action": "opened", "pull_request": {"number": 1, "base": {"ref": "main"}, "head": {"sha": "b" * 40}}}
    workflow = f"--workflows=.github/workflows/{ONE}-pull-request.yml"

    done = act(copy, tmp_path, "pull_request", workflow, "--job=gate", **into_main)

    assert jobs(done.stdout) == {"gate": "succeeded"}, done.stdout[-6000:]
    assert "gate: PASS: nothing changed" in done.stdout
    assert "Summary - ### ✅ Gate: PASS: nothing changed" in done.stdout
    assert json.loads((tmp_path / "artifacts/gate/gate.json").read_text())["verdict"] == "pass"
