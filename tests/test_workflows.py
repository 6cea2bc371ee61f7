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
from github import hub
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
        "git update-ref ",
        "gh api --silent ",
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
    jobs = workflows(baked)["pull-request.yml"]["jobs"]
    status = jobs.pop("status")

    assert "secrets." not in text
    assert "github.token" not in str(jobs)
    assert all(set(job["permissions"].values()) <= {"read"} for job in jobs.values())
    assert all("uses" not in step for step in status["steps"])  # nothing is checked out, so nothing of the branch runs
    assert "workflow_dispatch" in status["if"]


def test_the_ruleset_requires_the_check_that_the_workflow_reports(baked: BakedProject) -> None:
    rules = {rule["type"]: rule.get("parameters") for rule in baked.read(".github/rulesets/main.json")["rules"]}
    (required,) = rules["required_status_checks"]["required_status_checks"]
    jobs = workflows(baked)["pull-request.yml"]["jobs"]

    assert required["context"] == "verdict"
    assert required["integration_id"] == 15368  # GitHub Actions, whose checks and statuses both count
    assert set(jobs["verdict"]["needs"]) == set(jobs) - {"verdict", "status"}
    assert rules["pull_request"]["require_code_owner_review"]


def test_a_run_that_waits_for_another_is_not_replaced_by_the_next(baked: BakedProject) -> None:
    """Unless it is told otherwise, GitHub lets one run wait in a group and cancels it, without a word, for the next."""
    groups = [
        (name, group)
        for name, workflow in workflows(baked).items()
        for group in [workflow["concurrency"], *(job.get("concurrency") for job in workflow["jobs"].values())]
        if group and name not in {"pull-request.yml", "comment.yml"}  # where only the newest counts
    ]

    assert {name for name, _ in groups} >= {"release.yml", "rollback.yml", "retrain.yml", "score.yml"}
    for name, group in groups:
        assert (group["cancel-in-progress"], group.get("queue")) == (False, "max"), name


def test_a_report_that_cannot_be_uploaded_fails_no_job(baked: BakedProject) -> None:
    """The stand-in of upload-artifact fails, so the tests below that expect a green job say the same."""
    uploads = [
        step
        for workflow in workflows(baked).values()
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "upload-artifact" in step.get("uses", "")
    ]

    assert uploads
    assert all(step["continue-on-error"] is True for step in uploads)


def test_only_a_push_to_main_saves_dvcs_cache_and_prunes_it_first(baked: BakedProject) -> None:
    saved = {}
    for name, workflow in workflows(baked).items():
        for job in workflow["jobs"].values():
            for before, step in zip([{}, *job["steps"]], job["steps"], strict=False):
                uses = step.get("uses", "").partition("@")[0]
                if uses in {"actions/cache", "actions/cache/save"} and ".dvc/cache" in step["with"]["path"]:
                    saved[name] = (uses, step["if"], before.get("run"), before.get("if"))

    assert list(saved) == ["pull-request.yml"]
    uses, condition, before, condition_before = saved["pull-request.yml"]
    assert (uses, before) == ("actions/cache/save", "make prune-cache")
    assert condition == condition_before
    assert condition.startswith("github.event_name == 'push' &&")


def test_the_ruleset_is_not_sent_while_its_review_by_code_owners_would_ask_nobody(
    bake: Callable[..., BakedProject], tmp_path: Path
) -> None:
    project = bake()
    sent = tmp_path / "gh"
    sent.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/sent\n')
    sent.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"

    without = project.run("make protect", check=False, PATH=path)
    (project.path / ".github/CODEOWNERS").write_text("/src/ @someone\n")
    done = project.run("make protect", PATH=path)
    (project.path / ".github/CODEOWNERS").unlink()
    project.replace(
        ".github/rulesets/main.json", '"require_code_owner_review": true', '"require_code_owner_review": false'
    )
    alone = project.run("make protect", PATH=path)

    assert without.returncode == 2
    assert "error: .github/CODEOWNERS is missing" in without.stderr
    assert done.stdout == alone.stdout == "protect: the default branch needs a green verdict and reviews now\n"
    assert (tmp_path / "sent").read_text().count("--input .github/rulesets/main.json") == 2


@pytest.mark.slow
def test_pruning_keeps_what_the_last_commits_have_and_what_was_dropped_is_made_again(copy: BakedProject) -> None:
    def cached() -> set[str]:
        files = (copy.path / ".dvc/cache/files").rglob("*")
        return {path.parent.name + path.name for path in files if path.is_file()}

    def committed(iterations: int) -> str:
        copy.run(f"sed -i 's/max_iter: .*/max_iter: {iterations}/' params.yaml && dvc repro --quiet evaluate")
        copy.commit(f"{iterations} iterations")
        outputs = copy.read("dvc.lock")["stages"]["evaluate"]["outs"]
        return next(output["md5"] for output in outputs if output["path"].endswith("predictions/test.parquet"))

    oldest, base, head = (committed(iterations) for iterations in (5, 6, 7))
    before = cached()
    copy.run("make prune-cache KEEP=2")

    assert {oldest, base, head} <= before
    assert {oldest, base, head} & cached() == {base, head}
    assert "didn't change" in copy.run("dvc repro evaluate").stdout
    assert committed(5) == oldest


def without_work(baked: BakedProject, folder: Path) -> BakedProject:
    """A repo with the workflow of a pull request, whose jobs do no more than say what they are about."""
    workflow = workflows(baked)["pull-request.yml"]
    workflow["on"] = workflow.pop(True)  # which YAML takes `on` for
    for name in ("code", "data", "gate"):
        steps = workflow["jobs"][name]["steps"]
        of_git = [step for step in steps if "checkout" in step.get("uses", "") or "git " in step.get("run", "")]
        workflow["jobs"][name]["steps"] = [*of_git, {"run": "true"}]
    path = folder / "repo/.github/workflows/pull-request.yml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(workflow))
    project = BakedProject(folder / "repo")
    project.run("git init --quiet --initial-branch main && git remote add origin https://github.com/o/r.git")
    project.commit("Base")
    project.run("git commit --quiet --allow-empty --message Newer && git update-ref refs/remotes/origin/main HEAD")
    project.run("git switch --quiet --create branch HEAD~1 && git commit --quiet --allow-empty --message Branch")
    project.run("git switch --quiet --detach HEAD~1 && git merge --quiet --no-ff --message Merge branch")
    return project


@pytest.mark.parametrize(
    ("event", "base", "verdict"),
    [
        ({"action": "opened"}, "main", "verdict"),
        ({"action": "edited", "changes": {"title": {"from": "Old"}}}, "main", "verdict"),
        ({"action": "edited", "changes": {"base": {"ref": {"from": "lax"}}}}, "main", "verdict"),
        ({"action": "edited", "changes": {"base": {"ref": {"from": "main"}}}}, "lax", "verdict on lax"),
    ],
    ids=["opened", "title", "to main", "to another"],
)
def test_the_verdict_names_its_base_and_one_against_another_branch_is_not_the_required_check(
    baked: BakedProject, tmp_path: Path, event: dict[str, Any], base: str, verdict: str
) -> None:
    project = without_work(baked, tmp_path)
    event |= {"pull_request": {"number": 1, "base": {"ref": base}, "head": {"sha": "b" * 40}}}

    done = act(project, tmp_path, "pull_request", "--workflows=.github/workflows/pull-request.yml", **event)

    assert jobs(done.stdout) == dict.fromkeys(["code", "data", "gate", verdict], "succeeded"), done.stdout
    merged_into = project.run("git rev-parse HEAD^1").stdout.strip()
    # act does not look at these, and starts the workflow for every action
    assert event["action"] in workflows(baked)["pull-request.yml"][True]["pull_request"]["types"]
    assert merged_into != project.run("git rev-parse main").stdout.strip()  # main has moved on since the merge was made
    assert f"{'b' * 40} against {base} ({merged_into}): code, data, gate: success success success" in done.stdout


@pytest.mark.parametrize("passes", [True, False])
def test_a_dispatched_run_reports_its_verdict_as_a_status_of_the_commit(
    baked: BakedProject, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, passes: bool
) -> None:
    project = without_work(baked, tmp_path)
    project.run("git switch --quiet branch")
    if not passes:
        project.replace(".github/workflows/pull-request.yml", "run: 'true'", "run: 'false'")
        project.commit("Fail")
    commit, base = project.run("git rev-parse HEAD origin/main").stdout.split()
    with hub(tmp_path_factory.mktemp("gh")) as github:
        environment = {"GH_CONFIG_DIR": github.folder, "PATH": f"{TOOLS}:/usr/bin:/bin"}
        done = act(project, tmp_path, "workflow_dispatch", "--workflows=.github/workflows/pull-request.yml",
                   "--secret=GITHUB_TOKEN=x", *[f"--env={name}={value}" for name, value in environment.items()])  # fmt: skip

    assert jobs(done.stdout)["status"] == "succeeded", done.stdout
    ((reported_on, status),) = github.statuses
    assert reported_on == commit
    assert (status["context"], status["state"]) == ("verdict", "success" if passes else "failure")
    assert status["description"] == f"against main ({base})"


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


INTO_MAIN = {"action": "opened", "pull_request": {"number": 1, "base": {"ref": "main"}, "head": {"sha": "b" * 40}}}


def sound(project: BakedProject) -> None:
    project.replace("README.md", "# telco-churn", "# Telco churn")


def worse(project: BakedProject) -> None:
    project.run("git merge --quiet worse")
    sound(project)


@pytest.mark.slow
def test_a_sound_pull_request_is_green(base: BakedProject, tmp_path: Path) -> None:
    project = pull_request(base, tmp_path, sound)

    done = act(project, tmp_path, "pull_request", "--workflows=.github/workflows/pull-request.yml", **INTO_MAIN)

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

    done = act(
        project, tmp_path, "pull_request", "--workflows=.github/workflows/pull-request.yml", "--job=gate", **INTO_MAIN
    )

    assert done.returncode != 0
    assert jobs(done.stdout) == {"gate": "failed"}
    assert re.search(
        r"Summary - ### ❌ Gate: FAIL against origin/main \(\w{9}\)\n(- .*\n|\n)*- log\\_loss rose by", done.stdout
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

    environment = {"HEAD": "", "BRANCH": "", "BASE": "", "GITHUB_STEP_SUMMARY": os.devnull, "PATH": os.environ["PATH"]}
    codes = [
        subprocess.run(["bash", "-e", "-c", step["run"]], env=environment | {"RESULTS": given}).returncode
        for given in (results, "success success success")
    ]

    assert codes[0] != 0
    assert codes[1] == 0
