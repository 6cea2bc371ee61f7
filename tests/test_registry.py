"""From a merged commit to production and back: the release workflows under `act`, on a real MLflow server with PostgreSQL.

The rules of the registry have their tests in machinery/registry; here they are run once more against the server.
"""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import TEMPLATE, BakedProject, copied
from runner import TOOLS, act, jobs
from servers import free_port, mlflow_server, postgres

# One worker runs them all: they share a server and what was released to it.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("registry")]

VERSION = """
import json, sys, mlflow
from mlflow import MlflowClient
found = MlflowClient().get_model_version_by_alias("telco-churn", sys.argv[1])
signature = mlflow.models.get_model_info(f"models:/telco-churn/{found.version}").signature
print(json.dumps({"version": int(found.version), "tags": found.tags, "stage": found.current_stage,
    "inputs": signature.inputs.input_names()}))
"""
# A second version that may be promoted to production, made of the first: what a race needs.
SECOND = """
from mlflow import MlflowClient
from lifecycle.registry import ledger, moves
client = MlflowClient()
first = client.get_model_version("telco-churn", "1")
client.create_model_version("telco-churn", first.source, first.run_id, first.tags, model_id=first.source[len("models:/"):])
for alias in ("candidate", "staging"):
    moves.move(client, "telco-churn", ledger.head(client, "telco-churn"), "promote", alias, 2, "a second version")
"""
CHECKED = """
from mlflow import MlflowClient
from lifecycle.registry.moves import PASSED, STAGING_CHECKS
MlflowClient().set_model_version_tag("telco-churn", "2", STAGING_CHECKS, PASSED)
"""
# Both read the ledger before either writes to it.
AT_ONCE = """
import pathlib, sys, time
from lifecycle import cli
from lifecycle.registry import ledger
append, here = ledger.append, pathlib.Path(sys.argv[1])
def wait(*arguments):
    (here / sys.argv[2]).touch()
    while len(list(here.iterdir())) < 2:
        time.sleep(0.01)
    append(*arguments)
ledger.append = wait
cli.main(sys.argv[3:])
"""
STORM = """
import json, threading
from mlflow import MlflowClient
from lifecycle.core.errors import RefusedError
from lifecycle.registry import aliases, ledger, moves
model, outcomes, start = "telco-churn", [], threading.Barrier(6)
def move_back_and_forth(name):
    client = MlflowClient()
    start.wait()
    for turn in range(5):
        last = ledger.head(client, model)
        try:
            moves.move(client, model, last, "promote", "production", 3 - last.state["production"], f"{name} {turn}")
            outcomes.append((f"{name} {turn}", True))
        except RefusedError:
            outcomes.append((f"{name} {turn}", False))
before = len(ledger.history(MlflowClient(), model))
threads = [threading.Thread(target=move_back_and_forth, args=(number,)) for number in range(6)]
[thread.start() for thread in threads]
[thread.join(120) for thread in threads]
client = MlflowClient()
print(json.dumps({
    "won": sorted(reason for reason, good in outcomes if good),
    "lost": sorted(reason for reason, good in outcomes if not good),
    "counted": sorted(move.reason for move in ledger.history(client, model)[before:]),
    "state": ledger.head(client, model).state["production"],
    "alias": aliases.held(client, model).aliases["production"],
}))
"""


RESPONSE, REPORT = "src/lifecycle/core/predict_response.py", "src/lifecycle/gate/report.py"
ANSWER = '{"label": label, "probability": number}'
RESPONSE_OF_VERSIONS = """
import json, mlflow, pathlib
mlflow.set_tracking_uri("sqlite:///mlflow.db")
folders = [pathlib.Path(mlflow.artifacts.download_artifacts(f"models:/telco-churn/{number}")) for number in (1, 2)]
print(json.dumps([(folder / "code/lifecycle/core/predict_response.py").read_text() for folder in folders]))
"""


def in_checkout(project: BakedProject, command: str, code: int = 0) -> str:
    """Run a command with the code of the checkout; return what it prints, errors included."""
    done = project.run(f"telco-churn {command}", check=False, PYTHONPATH="src")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_change_of_what_is_answered_is_gated_and_released_as_a_new_version(
    base: BakedProject, tmp_path: Path
) -> None:
    project = copied(base, tmp_path)
    project.run("dvc repro track")
    project.commit("Tracked")
    in_checkout(project, "gate --base HEAD~2 --record")
    assert in_checkout(project, "register") == "register: version 1 of telco-churn is the candidate\n"

    project.replace(RESPONSE, ANSWER, ANSWER.replace("}", ', "odds": 1.0}'))
    project.commit("Answers carry odds")
    verdict = in_checkout(project, "gate --base HEAD~1 --record")
    refusal = in_checkout(project, "register", code=2)
    stale = project.run("dvc status track").stdout
    project.run("dvc repro track")

    assert "Prediction code: changed since the base" in verdict
    assert "gate: recorded on run" in verdict
    assert "with other code than this checkout's: `make track` logs it anew, then `make gate`" in refusal
    assert re.search(rf"modified: +{RESPONSE}", stale)
    assert in_checkout(project, "register") == "register: version 2 of telco-churn is the candidate\n"
    (project.path / ".git" / "versions.py").write_text(RESPONSE_OF_VERSIONS)
    before, after = json.loads(project.run("python .git/versions.py").stdout.splitlines()[-1])
    assert ('"odds"' in before, '"odds"' in after) == (False, True)
    in_checkout(project, "promote --to staging --reason odds --version HEAD")
    assert "check: version 2 has passed" in in_checkout(project, "check")

    project.replace(REPORT, "PASS against", "PASSED against")
    project.commit("The report reads better")
    assert "gate: not recorded: HEAD~1 has the same results and the same code" in in_checkout(
        project, "gate --base HEAD~1 --record"
    )
    assert in_checkout(project, "register") == "register: version 2 of telco-churn is already registered\n"


def test_a_first_model_is_released_without_a_base_and_so_is_the_first_of_another_problem(
    reproduced: BakedProject, tmp_path: Path
) -> None:
    project = copied(reproduced, tmp_path)
    project.replace("gates.yaml", "roc_auc: {min: 0.80", "roc_auc: {min: 0.82")
    project.commit("Limits that the model reaches")  # the commit before has the very same results

    first = project.run("make gate register")

    assert "; no baseline: the base has no metrics, so only absolute limits were checked" in first.stdout
    assert (
        "HEAD~1 has the same results and code as HEAD, so this is compared with the last commit before it"
        in first.stdout
    )
    assert "register: version 1 of telco-churn is the candidate\n" in first.stdout

    project.replace("params.yaml", "task: binary", "task: multiclass")
    project.replace("params.yaml", "target: churn", "target: internet_service")
    project.replace("params.yaml", "[contract, internet_service, senior_citizen]", "[contract]")
    project.run("make repro")
    project.commit("Another target")
    proposed = in_checkout(project, "gate propose --anew")
    project.commit("Limits of the model")
    second = project.run("make gate register")

    assert re.search(r"^roc_auc .* ≥ 0\.\d+ ", proposed, flags=re.MULTILINE)
    assert "new_problem" not in project.text("gates.yaml")
    assert "another problem than the base's (task was binary, is multiclass, data.target was churn" in second.stdout
    assert "is gone: the base has it" not in second.stdout
    assert "register: version 2 of telco-churn is the candidate\n" in second.stdout


@dataclass
class Released:
    """A project whose release workflow has run, the address of its server, and what act printed."""

    project: BakedProject
    address: str
    printed: str

    def run(self, command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        defaults = {"MLFLOW_TRACKING_URI": self.address, "PYTHONPATH": "src"}
        return self.project.run(command, check, **(defaults | environment))

    def python(self, script: str, *arguments: str) -> Any:
        (self.project.path / ".git" / "script.py").write_text(script)
        printed = self.run(f"python .git/script.py {' '.join(arguments)}").stdout
        return json.loads(printed.splitlines()[-1]) if printed else None


@pytest.fixture(scope="module")
def server(project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow on PostgreSQL, with what compose.yaml would install for it."""
    folder = tmp_path_factory.mktemp("server")
    (packages,) = re.findall(r"--constraint requirements.txt mlflow (.+)", project.text("compose.yaml"))
    project.run(f"uv pip install --quiet --target {folder / 'packages'} --constraint requirements.txt {packages}")
    with (
        postgres(folder) as database,
        mlflow_server(project, folder, database, PYTHONPATH=str(folder / "packages")) as address,
    ):
        yield address


@pytest.fixture(scope="module")
def released(base: BakedProject, server: str, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A push to main, released."""
    folder = tmp_path_factory.mktemp("released")
    project = copied(base, folder)
    project.run("git remote add origin https://github.com/o/r.git")  # by which act names the repo
    done = act(
        project,
        folder,
        "push",
        "--workflows=.github/workflows/release.yml",
        f"--var=MLFLOW_TRACKING_URI={server}",
        f"--var=STAGING_URLS=http://127.0.0.1:{free_port()}",
        f"--var=PRODUCTION_URLS=http://127.0.0.1:{free_port()}",
        before=project.run("git rev-parse HEAD~1").stdout.strip(),
        created=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return Released(project, server, done.stdout)


@pytest.fixture(scope="module")
def second(released: Released) -> None:
    """Version 2 in staging, with version 1 in production."""
    released.python(SECOND)


def test_the_release_workflow_takes_a_merged_model_to_production(released: Released) -> None:
    assert jobs(released.printed) == {"staging": "succeeded", "production": "succeeded"}
    for line in (
        "gate: recorded on run",
        "register: version 1 of telco-churn is the candidate",
        "deploy: version 1 is in staging; checked: the file that the gate checked, and the same predictions for 100 test rows",
        "deploy: version 1 is served as staging and reproduces the predictions of evaluate for 100 known rows",
        "deploy: version 1 is served as production and reproduces the predictions of evaluate for 100 known rows",
    ):
        assert line in released.printed
    assert released.printed.count("deploy: stopped 1 server that deploy had started") == 2
    assert re.search(r"Summary - ```\s+when \(UTC\) +move +to +version", released.printed)


def test_a_version_carries_what_it_is_made_of(released: Released) -> None:
    found = released.python(VERSION, "production")
    project = released.project

    assert found["version"] == 1
    assert found["stage"] in ("None", None)
    assert found["tags"]["git.commit"] == project.run("git rev-parse HEAD").stdout.strip()
    assert found["tags"]["model.sha256"] == project.hashes("models/model.skops")["models/model.skops"]
    assert found["tags"]["data.md5"] == project.read("data/raw/telco.csv.dvc")["outs"][0]["md5"]
    assert json.loads(found["tags"]["metrics"]) == project.read("metrics/test.json")
    assert found["tags"]["gate.verdict"] == "pass"
    assert "contract" in found["inputs"]


@pytest.mark.parametrize("way", ["dvc pull", "dvc repro --pull"])
def test_show_prints_the_commands_that_bring_a_version_back(released: Released, tmp_path: Path, way: str) -> None:
    printed = released.run("telco-churn show production").stdout
    commands = re.findall(r"^  (git checkout \w{40})\n  (dvc .*)$", printed, flags=re.MULTILINE)
    assert [command for _, command in commands] == ["dvc pull", "dvc repro --pull"]
    (checkout,) = {command for command, _ in commands}
    clone = BakedProject(tmp_path / "telco-churn")
    subprocess.run(["git", "clone", "--quiet", released.project.path, clone.path], check=True)
    (clone.path / ".venv").symlink_to((released.project.path / ".venv").resolve())
    if way == "dvc pull":
        released.run("dvc push --quiet")
        shutil.copytree(released.project.path.parent / "telco-churn-dvc-storage", tmp_path / "telco-churn-dvc-storage")

    clone.run(f"git switch --quiet --orphan elsewhere && {checkout} && {way}")

    assert f"sha256 {clone.hashes('models/model.skops')['models/model.skops']}\n" in printed


def test_the_rules_hold_on_a_server_with_postgresql(released: Released) -> None:
    machinery = TEMPLATE / "tests" / "machinery"
    files = f"{machinery}/registry/test_moves.py {machinery}/serving/rollout/test_trials.py"
    command = f"pytest -q -c '{machinery}/pytest.ini' --rootdir '{machinery}' {files}"
    done = released.run(command, TEST_TRACKING_URI=released.address, PYTHONDONTWRITEBYTECODE="1")

    assert re.search(r"^\d+ passed in", done.stdout, flags=re.MULTILINE)


@pytest.mark.usefixtures("second")
def test_two_promotions_at_once_have_one_winner_and_one_clear_refusal(released: Released, tmp_path: Path) -> None:
    (released.project.path / ".git" / "race.py").write_text(AT_ONCE)

    def promote(name: str) -> subprocess.CompletedProcess[str]:
        command = f"python .git/race.py {tmp_path} {name} promote --to production --reason {name}"
        return released.run(command, check=False)

    with ThreadPoolExecutor() as pool:
        won, lost = sorted(pool.map(promote, ["one", "other"]), key=lambda done: done.returncode)

    assert (won.returncode, lost.returncode) == (0, 1)
    assert won.stdout == "promote: version 2 is in production, where version 1 was\n"
    assert re.fullmatch(
        r"error: .* was faster: promote of version 2 to production \(\w+\); this move does not count: .*\n", lost.stderr
    )
    moves = json.loads(released.run("telco-churn history --json").stdout)
    assert [move["version"] for move in moves if move["alias"] == "production"] == [1, 2]
    assert released.python(VERSION, "production")["version"] == 2


@pytest.mark.usefixtures("second")
def test_a_storm_of_moves_leaves_a_ledger_that_matches_the_aliases(released: Released) -> None:
    after = released.python(STORM)

    assert after["won"] == after["counted"]
    assert len(after["won"]) + len(after["lost"]) == 30
    assert after["won"]
    assert after["lost"]
    assert after["state"] == after["alias"]


@pytest.mark.usefixtures("second")
def test_the_rollback_workflow_puts_the_previous_version_back(released: Released, tmp_path: Path) -> None:
    if json.loads(released.run("telco-churn history --json").stdout)[-1]["state"]["production"] == 1:
        released.python(CHECKED)  # or what a test before this one has rolled back cannot be promoted
        released.run("telco-churn promote --to production --reason second")
    before = json.loads(released.run("telco-churn history --json").stdout)[-1]["state"]

    done = act(
        released.project,
        tmp_path,
        "workflow_dispatch",
        "--workflows=.github/workflows/rollback.yml",
        f"--var=MLFLOW_TRACKING_URI={released.address}",
        inputs={"reason": 'it "answers" $(oddly)', "version": ""},
    )

    assert jobs(done.stdout) == {"production": "succeeded"}, done.stdout[-3000:]
    last = json.loads(released.run("telco-churn history --json").stdout)[-1]
    assert (last["action"], last["version"], last["reason"]) == (
        "rollback",
        before["before"],
        'it "answers" $(oddly)',
    )


@pytest.mark.parametrize("workflow", ["release", "rollback"])
def test_without_a_server_the_summary_says_what_to_set(base: BakedProject, tmp_path: Path, workflow: str) -> None:
    project = copied(base, tmp_path)
    project.run("git remote add origin https://github.com/o/r.git")

    done = act(
        project,
        tmp_path,
        "workflow_dispatch",
        f"--workflows=.github/workflows/{workflow}.yml",
        inputs={"reason": "x"},
    )

    assert done.returncode == 0
    assert jobs(done.stdout) == {"unconfigured": "succeeded"}
    assert re.search(r"Summary - .*the repository variable MLFLOW_TRACKING_URI, .* is not set", done.stdout)


def test_the_server_answers_only_under_the_names_it_was_told(server: str) -> None:
    def ask(host: str) -> int:
        request = urllib.request.Request(f"{server}/api/2.0/mlflow/registered-models/search", headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert ask("mlflow.example.com") == 200
    assert ask("elsewhere.example.com") == 403


def test_a_server_that_never_answers_is_one_line_in_bounded_time(released: Released) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        done = released.run(
            "telco-churn promote --to staging --reason x",
            check=False,
            MLFLOW_TRACKING_URI=f"http://127.0.0.1:{silent.getsockname()[1]}",
            MLFLOW_HTTP_REQUEST_TIMEOUT="1",
        )

    assert time.monotonic() - started < 60
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: MLflow at http://127.0.0.1:")


def test_compose_yaml_is_what_docker_compose_reads(project: BakedProject) -> None:
    command = [TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=project.path, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
