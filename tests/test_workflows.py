"""The generated workflows, linted, and those of a pull request run by the real `act`."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TEMPLATE, BakedProject, clean_environment, copied
from runner import TOOLS, act, jobs


def workflows(baked: BakedProject) -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text()) for path in (baked.path / ".github/workflows").glob("*.yml")}


@pytest.mark.parametrize(
    "command",
    [
        "zizmor --offline --persona pedantic --no-progress .",
        "actionlint",
        "check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml",
    ],
)
@pytest.mark.parametrize("whose", ["generated", "ours"])
def test_the_workflows_pass_the_linters(baked: BakedProject, whose: str, command: str) -> None:
    if whose == "ours":
        command = command.replace(" .", " .github", 1) if command.endswith(" .") else command
    done = subprocess.run(
        command,
        shell=True,
        cwd=baked.path if whose == "generated" else TEMPLATE,
        env=clean_environment() | {"PATH": f"{TOOLS}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    if command.startswith("zizmor"):
        assert "No findings to report" in done.stdout


def test_workflows_follow_our_rules(baked: BakedProject) -> None:
    for name, workflow in workflows(baked).items():
        assert workflow["permissions"] == {}, name
        assert "concurrency" in workflow, name
        for job in workflow["jobs"].values():
            assert job["timeout-minutes"] <= 120
            assert "permissions" in job
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
                if not step.get("uses", "./").startswith("./"):
                    assert re.fullmatch(r"[\w-]+/[\w-]+(/[\w-]+)?@[0-9a-f]{40}", step["uses"])


def test_nothing_runs_in_ci_that_a_person_cannot_run(baked: BakedProject) -> None:
    """Apart from the plumbing of Actions itself, a step is a make target or a script of the repo."""
    plumbing = (
        'make history >> "$GITHUB_STEP_SUMMARY"',
        'cat reports/gate.md >> "$GITHUB_STEP_SUMMARY"',
        'test "$RESULTS"',
        "echo ",
    )
    targets = re.findall(r"^  ([a-z-]+) ", baked.run("make help").stdout, flags=re.MULTILINE)
    for workflow in workflows(baked).values():
        for job in workflow["jobs"].values():
            for line in [line for step in job["steps"] for line in step.get("run", "").splitlines()]:
                make = re.fullmatch(r"make ([a-z -]+)", line)
                script = re.match(r"python3 (scripts/\S+)", line)
                known = set(make[1].split()) <= set(targets) if make else script and (baked.path / script[1]).exists()
                assert known or line.startswith(plumbing), line


def test_the_pull_request_workflow_knows_no_secret(baked: BakedProject) -> None:
    text = baked.text(".github/workflows/pull-request.yml")

    assert "secrets." not in text
    assert "github.token" not in text


def test_the_ruleset_requires_the_check_that_the_workflow_reports(baked: BakedProject) -> None:
    rules = {rule["type"]: rule.get("parameters") for rule in baked.read(".github/rulesets/main.json")["rules"]}
    (required,) = rules["required_status_checks"]["required_status_checks"]
    jobs = workflows(baked)["pull-request.yml"]["jobs"]

    assert required["context"] in {job["name"] for job in jobs.values()}
    assert set(jobs["verdict"]["needs"]) == set(jobs) - {"verdict"}
    assert rules["pull_request"]["require_code_owner_review"]


def pull_request(base: BakedProject, folder: Path, branch: Callable[[BakedProject], None]) -> BakedProject:
    """A copy whose HEAD is what GitHub checks out for a pull request: the merge of a branch into main."""
    project = copied(base, folder)
    origin = folder / "origin.git"
    project.run("git switch --quiet --create branch")
    branch(project)
    project.commit("On the branch")
    project.run("git switch --quiet --detach main && git merge --quiet --no-ff --message Merge branch")
    project.run(f"git clone --quiet --bare . {origin} && git remote add origin {origin} && git fetch --quiet origin")
    project.run("git remote set-url origin https://github.com/o/r.git")  # by which act names the repo
    shutil.rmtree(project.path / ".dvc/cache")  # a runner starts with git alone
    return project


def sound(project: BakedProject) -> None:
    project.replace("README.md", "# telco-churn", "# Telco churn")


def worse(project: BakedProject) -> None:
    project.run("git merge --quiet worse")
    sound(project)


@pytest.mark.slow
def test_a_sound_pull_request_is_green(base: BakedProject, tmp_path: Path) -> None:
    project = pull_request(base, tmp_path, sound)

    done = act(project, tmp_path, "pull_request", "--workflows=.github/workflows/pull-request.yml")

    assert done.returncode == 0, done.stdout[-6000:]
    assert jobs(done.stdout) == dict.fromkeys(["code", "data", "gate", "verdict"], "succeeded")
    assert re.search(r"\d\d passed", done.stdout)
    assert "gate: PASS: nothing changed" in done.stdout
    assert "Summary - ### ✅ Gate: PASS: nothing changed" in done.stdout
    assert json.loads((tmp_path / "artifacts/gate/gate.json").read_text())["verdict"] == "pass"


@pytest.mark.slow
def test_a_worse_model_is_red_and_the_reason_is_in_the_summary(base: BakedProject, tmp_path: Path) -> None:
    project = pull_request(
        base,
        tmp_path,
        worse,
    )

    done = act(project, tmp_path, "pull_request", "--job=gate")

    assert done.returncode != 0
    assert jobs(done.stdout) == {"gate": "failed"}
    assert re.search(
        r"Summary - ### ❌ Gate: FAIL against HEAD\^1 \(\w{9}\)\n\n- .*\n?- log\\_loss rose by", done.stdout
    )
    assert (tmp_path / "artifacts/plots/dvc_plots/index.html").exists()


@pytest.mark.slow
def test_data_that_breaks_the_contract_is_red_in_a_check_of_its_own(base: BakedProject, tmp_path: Path) -> None:
    def break_contract(project: BakedProject) -> None:
        project.replace("contract.yaml", "Mailed check", "Cheque")

    project = pull_request(base, tmp_path, break_contract)

    done = act(project, tmp_path, "pull_request", "--workflows=.github/workflows/pull-request.yml", "--job=data")

    assert jobs(done.stdout) == {"data": "failed"}
    assert "FAIL  column payment_method: isin(" in done.stdout


@pytest.mark.slow
def test_a_dispatched_branch_is_held_against_the_default_branch(base: BakedProject, tmp_path: Path) -> None:
    project = pull_request(
        base,
        tmp_path,
        worse,
    )
    project.run("git switch --quiet branch")

    done = act(project, tmp_path, "workflow_dispatch", "--workflows=.github/workflows/pull-request.yml", "--job=gate")

    assert jobs(done.stdout) == {"gate": "failed"}
    assert "gate: FAIL against origin/main (" in done.stdout


@pytest.mark.parametrize("results", ["failure success success", "success success skipped", "success success cancelled"])
def test_the_verdict_is_red_if_any_job_is_not_green(baked: BakedProject, results: str) -> None:
    """GitHub counts a skipped job as passed: the one required check must not."""
    (step,) = workflows(baked)["pull-request.yml"]["jobs"]["verdict"]["steps"]
    assert workflows(baked)["pull-request.yml"]["jobs"]["verdict"]["if"] == "always()"

    codes = [subprocess.run(["bash", "-e", "-c", step["run"]], env={"RESULTS": given}, capture_output=True).returncode
             for given in (results, "success success success")]  # fmt: skip

    assert codes[0] != 0
    assert codes[1] == 0
