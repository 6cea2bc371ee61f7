"""A version on its way to production: staging, shadow, canary, its verdict, and everything as before if it is not good."""

import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from conftest import clean_environment
from served import Served
from servers import answers, free_port
from serving import Server, load, until

# One worker runs them all: they share a server.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

MOODY = 3  # of the versions in served.py: does what the file `mood` says
ONLY_IN_SERVERS = "import sys\nif sys.argv[0].endswith('worker.py'): raise RuntimeError('not here')"
FAILING = "raise RuntimeError('it fails')"


@pytest.fixture(scope="module", autouse=True)
def _little_is_enough(served: Served) -> None:
    """A verdict after a hundred rows."""
    served.project.replace("serving.yaml", "min_rows: 500", "min_rows: 100")
    served.project.replace(
        "serving.yaml", "max_latency_ratio: 1.5", "max_latency_ratio: 100"
    )  # other tests take the time


def command(served: Served, text: str, server: Server | None = None, code: int = 0, **environment: str) -> str:
    """Run a command of the project; return what it printed, errors included."""
    if server:
        environment |= {"PRODUCTION_URLS": f"http://127.0.0.1:{server.port}", "SERVING_LOG": str(server.log)}
    done = served.project.run(f"telco-churn {text}", check=False, PYTHONPATH="src", **environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def staged(served: Served, version: int) -> None:
    """Put a version into staging, as having passed its checks."""
    served.move("staging", version)
    served.registry("check", version)


def aliases(served: Served) -> dict[str, int]:
    return served.registry("aliases")


@pytest.fixture
def staging(served: Served) -> Iterator[str]:
    """The address of a server that is not there yet, and is stopped in the end."""
    url = f"http://127.0.0.1:{free_port()}"
    yield url
    command(served, "deploy stop", STAGING_URLS=url)
    until(lambda: not answers(url), "the server of staging has stopped")


def test_a_candidate_gets_to_staging_on_a_server_that_deploy_starts_and_stops(served: Served, staging: str) -> None:
    served.move("staging", 0)
    served.move("candidate", 2)

    printed = command(served, "deploy --env staging --reason try", STAGING_URLS=staging)

    assert f"deploy: started a server for staging at {staging}" in printed
    assert "checked: the file that the gate checked, and the same predictions for 100 test rows" in printed
    assert (
        "deploy: version 2 is served as staging and reproduces the predictions of evaluate for 100 known rows"
        in printed
    )
    assert aliases(served)["staging"] == 2
    status = command(served, "deploy status", STAGING_URLS=staging, PRODUCTION_URLS=staging)
    assert f"staging: {staging} serves staging version 2; since" in status
    assert "deploy: stopped 1 server that" in command(served, "deploy stop", STAGING_URLS=staging)


def test_a_candidate_that_no_server_can_load_is_put_back(served: Served, staging: str) -> None:
    served.move("staging", 1)
    served.move("candidate", MOODY)
    served.mood.write_text(ONLY_IN_SERVERS)

    printed = command(served, "deploy --env staging", code=1, STAGING_URLS=staging)

    assert re.search(
        r"error: a server of staging does not serve it: version 3: it does not load: .*; reverted", printed
    )
    assert aliases(served)["staging"] == 1


def test_a_canary_that_does_well_is_promoted_under_traffic_without_a_failed_request(
    served: Served, server: Server
) -> None:
    staged(served, MOODY)

    with load(server, served.rows) as replies:
        printed = command(served, "deploy --env production --canary 30 --reason better", server)

    assert {reply.status for reply in replies} == {200}
    assert "deploy: version 3 is the canary for 30% of the rows" in printed
    assert re.search(
        r"deploy: the canary has passed: [\d,]+ rows of [\d,]+ ids; errors 0\.00% \(production 0\.00%\)", printed
    )
    assert "deploy: version 3 is served as production" in printed
    now = aliases(served)
    assert (now["production"], now["canary"]) == (MOODY, None)


def test_a_canary_that_fails_is_withdrawn_and_nobody_notices(served: Served, server: Server) -> None:
    staged(served, MOODY)
    before = pinned(server)
    process = start(served, "deploy --env production --canary 50", server)
    until(lambda: pinned(server) > before, "the canary is on, and was tried", server)
    served.mood.write_text(FAILING)

    with load(server, served.rows) as replies:
        printed = process.communicate(timeout=120)[0]

    assert process.returncode == 1
    assert {reply.status for reply in replies} == {200}
    assert re.search(
        r"error: version 3 is not promoted: it failed on \d+ of \d+ rows; at most 1\.00% may fail", printed
    )
    now = aliases(served)
    assert (now["production"], now["canary"]) == (1, None)


def test_without_traffic_there_is_no_verdict_and_abort_ends_the_canary(served: Served, server: Server) -> None:
    staged(served, 2)
    served.project.replace("serving.yaml", "wait_minutes: 60", "wait_minutes: 0.02")

    printed = command(served, "deploy --env production --canary 10", server, code=2)

    served.project.replace("serving.yaml", "wait_minutes: 0.02", "wait_minutes: 60")
    assert (
        "no verdict yet: the canary has answered 0 of 100 rows; no row has come in since the canary began; the canary keeps"
        in printed
    )
    assert aliases(served)["canary"] == 2
    assert "canary for 10% of the rows: wait: the canary has answered 0 of 100" in command(
        served, "deploy status", server, code=1, STAGING_URLS="http://127.0.0.1:9"
    )
    assert "version 2 is no longer the canary; production is unchanged" in command(served, "deploy abort", server)
    assert aliases(served)["canary"] is None
    assert "there is no canary and no shadow" in command(served, "deploy abort", server)


def test_a_version_that_answers_wrongly_in_production_is_rolled_back(served: Served, server: Server) -> None:
    staged(served, MOODY)
    process = start(served, "deploy --env production --canary 100", server)
    until(lambda: server.versions()["production"] == MOODY, "it is in production", server)
    served.mood.write_text(FAILING)

    printed = process.communicate(timeout=120)[0]

    assert process.returncode == 1, printed
    assert "version 3 does not score the known rows" in printed
    assert printed.rstrip().endswith("; reverted")
    assert aliases(served)["production"] == 1


def test_a_deploy_that_was_killed_is_finished_when_it_is_typed_again(served: Served, server: Server) -> None:
    staged(served, MOODY)
    text = "deploy --env production --canary 100"
    process = start(served, text, server)
    until(lambda: server.versions()["production"] == MOODY, "it is in production", server)
    process.kill()
    process.communicate()

    assert "deploy: version 3 is served as production and reproduces" in command(served, text, server)
    served.mood.write_text(FAILING)
    failed = command(served, text, server, code=1)

    assert failed.rstrip().endswith("; version 3 was in production before this command and stays there")
    assert aliases(served)["production"] == MOODY
    moves = served.registry("count_moves")
    assert command(served, "rollback --reason worse") == "rollback: version 1 is in production, where version 3 was\n"
    assert re.match(
        r"rollback: version 1 is in production, where version 3 was: done before, at",
        command(served, "rollback --reason worse"),
    )
    assert served.registry("count_moves") == moves + 1


def test_a_shadow_is_compared_with_production_on_the_same_rows(served: Served, server: Server) -> None:
    staged(served, 2)
    assert "version 2 is the shadow" in command(served, "deploy --env production --shadow", server)
    url = f"http://127.0.0.1:{server.port}"
    before = len([line for line in server.lines() if line["role"] == "shadow"])

    sent = command(served, f"simulate --rows 300 --labels --url {url}")

    assert re.search(
        r"simulate: 300 of 300 rows answered in [\d.]+ s .*\n  by version 1: 300\n  mean score 0\.\d+", sent
    )
    until(
        lambda: len([line for line in server.lines() if line["role"] == "shadow"]) >= before + 300, "all seen", server
    )
    compared = command(served, "compare --window 1h", server)
    assert re.match(r"shadow, version 2, beside production, version 1: [\d,]+ rows since", compared)
    expected = [row["probability"] for row in served.expected[:300]]
    mean = sum(expected) / len(expected)
    assert abs(float(re.search(r"mean score (\S+)", sent)[1]) - mean) < 1e-4
    assert re.search(r"scores apart by +0\.0[1-9]", compared)  # it is a worse model, not the same
    assert re.search(r"300 with labels  accuracy 0\.\d+, production 0\.\d+; log loss", compared)


def test_once_storage_is_back_the_next_deploy_works(served: Served, server: Server) -> None:
    """The server has to fetch the version, and nothing that it remembers of the failure counts."""
    staged(served, 2)
    folder, cache = served.project.path, served.project.path / ".serving"
    served.move("canary", 2, 10)  # so that it is in the server's cache, and from there in that of deploy
    until(lambda: server.versions()["canary"] == 2, "the canary", server)
    served.move("canary", 0)
    until(lambda: server.versions()["canary"] is None, "no canary", server)
    (cache / "deploy").mkdir(exist_ok=True)
    for path in (cache / "production").glob("2-*"):
        shutil.rmtree(cache / "deploy" / path.name, ignore_errors=True)
        path.rename(cache / "deploy" / path.name)
    (folder / "mlartifacts").rename(folder / "elsewhere")
    try:
        failed = command(served, "deploy --env production --shadow", server, code=1)
    finally:
        (folder / "elsewhere").rename(folder / "mlartifacts")

    assert "version 2: the storage of MLflow does not give the files of version 2: " in failed
    assert failed.rstrip().endswith("; reverted")
    assert aliases(served)["shadow"] is None
    assert "version 2 is the shadow" in command(served, "deploy --env production --shadow", server)


def test_shifted_rows_change_the_scores_and_what_leaves_the_contract_is_refused(served: Served, server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}"

    def mean(shift: str) -> float:
        return float(re.search(r"mean score (\S+)", command(served, f"simulate --rows 200 {shift} --url {url}"))[1])

    assert mean("--shift tenure=0.2") > mean("") + 0.05
    refused = command(served, f"simulate --rows 20 --shift monthly_charges=100 --url {url}", code=1)
    assert re.search(r"0 of 20 rows answered", refused)
    assert "refused: 20 with 422, the first: [{'loc': ['body', 'monthly_charges']" in refused


def pinned(server: Server) -> int:
    return sum(line["role"] == "pinned" for line in server.lines())


def start(served: Served, text: str, server: Server) -> "subprocess.Popen[str]":
    """Start a command of the project, to be looked after by the test."""
    project = served.project
    environment = {"PRODUCTION_URLS": f"http://127.0.0.1:{server.port}", "PYTHONPATH": "src"}
    return subprocess.Popen(
        [str(project.path / ".venv/bin/telco-churn"), *text.split()],
        cwd=project.path,
        env=clean_environment() | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
