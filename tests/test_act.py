"""What is done about a verdict of monitoring: by the real `gh`, to a stand-in of GitHub, and to a webhook on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import BakedProject
from filelock import FileLock
from github import Hub, hub
from runner import TOOLS

SUMMARY = {
    "window": {"since": "2026-03-01T00:00:00+00:00", "until": "2026-03-02T00:00:00+00:00"},
    "model": "telco-churn",
    "version": "4",
    "role": "production",
    "log": "logs",
    "rows": 600,
    "compared": {"rows": 600, "reference": 3000},
    "labels": 0,
    "other_versions": {},
    "broken_lines": 0,
    "alarms": ["tenure drifted"],
    "drifted": ["tenure"],
    "score": None,
    "quality": [],
    "performance": [],
    "readable": 600,
    "status": "act",
    "reasons": ["tenure drifted in 2 of the last 3 windows, `$(touch hacked)` @someone"],
    "columns": [
        {
            "name": "tenure",
            "kind": "categorical",
            "distance": "jensenshannon",
            "value": 0.31,
            "threshold": 0.1,
            "status": "drift",
        },
        {
            "name": "partner",
            "kind": "categorical",
            "distance": "jensenshannon",
            "value": 0.01,
            "threshold": 0.1,
            "status": "ok",
        },
    ],
}
LATER = SUMMARY | {"window": {"since": "2026-03-02T00:00:00+00:00", "until": "2026-03-03T00:00:00+00:00"}}
HEALTHY = LATER | {"status": "healthy", "reasons": []}


@pytest.fixture
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with hub(tmp_path_factory.mktemp("gh")) as state:
        yield state


@contextmanager
def webhook(status: int, seconds: float = 0.0) -> Iterator[tuple[str, list[Any]]]:
    """A webhook that answers with a status after a while, and what it was sent."""
    given: list[Any] = []
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            stopped.wait(seconds)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/secret", given
        stopped.set()
        server.shutdown()


def act(project: BakedProject, github: Hub | None, *summaries: Any, **environment: str) -> list[str]:
    """Act on windows, one after the other, as `monitor --act` does, and return what was done."""
    script = (
        "import json\nfrom pathlib import Path\n"
        "from lifecycle.monitoring.alerts import act\nfrom lifecycle.monitoring.summary import Summary\n"
        "for content in json.load(open('.git/summaries.json')):\n"
        "    for line in act(Summary.from_json(content), Path('reports/monitoring/x'), Path()):\n        print(line)\n"
    )
    (project.path / "logs").mkdir(exist_ok=True)  # where nobody has been asked anything yet
    (project.path / ".git/act.py").write_text(script)
    (project.path / ".git/summaries.json").write_text(json.dumps(summaries))
    path = f"{project.path / '.venv/bin'}:{TOOLS}:/usr/bin:/bin"
    given = {"PYTHONPATH": "src", "PATH": path, "GITHUB_ACTIONS": "true"} | (github.environment if github else {})
    return project.run("python .git/act.py", **(given | environment)).stdout.splitlines()


def test_one_issue_is_opened_brought_up_to_date_and_closed_when_it_is_over(fresh: BakedProject, github: Hub) -> None:
    said = act(fresh, github, SUMMARY, SUMMARY, LATER, HEALTHY, HEALTHY, SUMMARY)

    lines = [line for line in said if line.startswith("issue")]
    assert lines == [
        "issue: opened #1: https://github.com/o/r/issues/1",
        "issue: #1 lists this window already",
        "issue: updated #1: https://github.com/o/r/issues/1",
        "issue: closed #1, healthy again",
        "issue: opened #2: https://github.com/o/r/issues/2",
    ]
    first, second = github.issues
    assert (first["state"], second["state"]) == ("closed", "open")
    assert first["body"].count("- window ") == 2
    assert "| tenure | jensenshannon | 0.3100 | 0.1 |" in first["body"]
    assert "partner" not in first["body"]
    assert "@someone" not in first["body"]
    assert github.comments == [(1, "Healthy again, from 2026-03-02T00:00:00+00:00 to 2026-03-03T00:00:00+00:00.")]


def test_a_table_of_scores_has_an_issue_of_its_own_and_starts_no_retraining(fresh: BakedProject, github: Hub) -> None:
    table = {"role": "batch-scores", "log": "shared/scores"}

    said = act(fresh, github, SUMMARY, LATER | table, HEALTHY, HEALTHY | table)

    assert [line for line in said if line.startswith("issue")] == [
        "issue: opened #1: https://github.com/o/r/issues/1",
        "issue: opened #2: https://github.com/o/r/issues/2",
        "issue: closed #1, healthy again",
        "issue: closed #2, healthy again",
    ]
    assert "Version 4 of telco-churn, scores in shared/scores:" in github.issues[1]["body"]
    assert sum(line.startswith("retraining: not started, as it learns from the labels") for line in said) == 1


def test_an_issue_that_a_stranger_has_opened_is_not_taken_for_ours(fresh: BakedProject, github: Hub) -> None:
    issue = {"number": 1, "state": "open", "body": "<!-- monitoring -->\n", "labels": [{"name": "other"}]}
    github.issues.append(issue)

    assert "issue: opened #2: https://github.com/o/r/issues/2" in act(fresh, github, SUMMARY)


def test_retraining_is_started_on_github_with_the_reason_and_no_shell_sees_it(fresh: BakedProject, github: Hub) -> None:
    said = act(fresh, github, SUMMARY)

    assert said[-1] == "retraining: started retrain.yml on GitHub"
    ((workflow, body),) = github.started
    assert workflow == "retrain.yml"
    assert body["ref"] == "main"
    assert body["inputs"] == {"reason": f"monitoring: {SUMMARY['reasons'][0]}"}
    assert not (fresh.path / "hacked").exists()


def test_a_webhook_gets_json_and_its_address_is_in_no_message(fresh: BakedProject, github: Hub) -> None:
    with webhook(204) as (url, given):
        said = act(fresh, github, SUMMARY, MONITORING_WEBHOOK=url)
    (message,) = given
    assert said[0] == "webhook: delivered"
    assert message["text"] == f"telco-churn: {SUMMARY['reasons'][0]}"
    assert message["window"] == SUMMARY["window"]
    assert message["report"] == "reports/monitoring/x"


@pytest.mark.parametrize(
    ("status", "seconds", "says"),
    [(500, 0, "(HTTP 500)"), (302, 0, "(HTTP 302)"), (200, 5, "(ReadTimeout)"), (0, 0, "(ConnectionError)")],
)
def test_a_webhook_that_fails_is_a_line_and_loses_nothing_else(
    fresh: BakedProject, github: Hub, status: int, seconds: float, says: str
) -> None:
    fresh.replace("monitoring.yaml", "webhook_seconds: 10", "webhook_seconds: 0.5")
    with webhook(status or 200, seconds) as (url, _):
        said = act(fresh, github, SUMMARY, MONITORING_WEBHOOK=url if status else "http://127.0.0.1:9/secret")

    assert says in said[0]
    assert "secret" not in "".join(said)
    assert len(github.issues) == len(github.started) == 1


def test_without_github_the_webhook_and_the_retraining_are_not_lost(fresh: BakedProject, tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(f"http_unix_socket: {tmp_path / 'nobody'}\n")
    environment = {"GH_CONFIG_DIR": str(tmp_path), "GH_TOKEN": "x", "GH_REPO": "o/r", "GITHUB_ACTIONS": ""}
    with webhook(200) as (url, _):
        said = act(fresh, None, SUMMARY, MONITORING_WEBHOOK=url, **environment)

    assert said[0] == "webhook: delivered"
    assert said[1].startswith("issue: failed: gh api: ")
    assert said[-1].startswith("retraining: stopped: nothing to learn: the log has no labelled row")
    assert "the reason remains (monitoring: tenure drifted in 2 of the last 3 windows" in said[-1]


def test_settings_say_where_retraining_starts_and_whether_there_is_an_issue(fresh: BakedProject, github: Hub) -> None:
    fresh.replace("monitoring.yaml", "start: auto ", "start: never")
    fresh.replace("monitoring.yaml", "issue: drift", 'issue: ""   ')
    never = act(fresh, github, SUMMARY, HEALTHY)
    fresh.replace("monitoring.yaml", "start: never", "start: github")
    fresh.replace("monitoring.yaml", "branch: main", "branch: trunk")
    github_anyway = act(fresh, github, SUMMARY, GITHUB_ACTIONS="")
    fresh.replace("monitoring.yaml", "start: github", "start: here")
    with FileLock(fresh.path / ".dvc/tmp/retrain.lock"):
        here = act(fresh, github, SUMMARY)

    webhook = "webhook: not sent, MONITORING_WEBHOOK is not set"
    assert never == [webhook, "retraining: not started, retrain.start of monitoring.yaml is never"]
    assert github_anyway == [webhook, "retraining: started retrain.yml on GitHub"]
    assert github.started[0][1]["ref"] == "trunk"
    assert here[-1] == "retraining: stopped: another retraining is running in this repo: wait until it ends"
    assert github.issues == []


def test_without_retraining_in_the_repo_the_rest_is_done_and_a_line_says_so(fresh: BakedProject, github: Hub) -> None:
    fresh.run("mv src/lifecycle/retraining .git/retraining")
    try:
        lines = act(fresh, github, SUMMARY)
    finally:
        fresh.run("mv .git/retraining src/lifecycle/retraining")

    assert lines[0] == "webhook: not sent, MONITORING_WEBHOOK is not set"
    assert lines[1].startswith("issue: opened #1")
    assert lines[2:] == ["retraining: not started, it is not part of this repo"]
    assert github.started == []


def test_what_is_undecided_is_left_alone(fresh: BakedProject, github: Hub) -> None:
    said = act(fresh, github, SUMMARY | {"status": "undecided", "missing_rows": 120})

    assert said == ["undecided: too few rows, so nothing was done"]
    assert github.asked == []
