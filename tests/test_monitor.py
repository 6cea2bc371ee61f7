"""`monitor` on the log of a real server, with a real registry; and its page in a real browser."""

import datetime
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import BakedProject, clean_environment, copied
from github import hub
from runner import TOOLS, act, jobs
from served import Served
from serving import ready, serving, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

ROWS = 600
CLIENT = "telco-churn simulate --rows {rows} --labels --url http://127.0.0.1:{port} {more}"


class Monitor:
    """`telco-churn monitor` with the extra `monitor` installed, and what it leaves."""

    def __init__(self, project: BakedProject, environment: Path) -> None:
        self.project, self.environment = project, environment

    def __call__(self, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.environment / 'bin'}:{clean_environment()['PATH']}"
        return self.project.run(
            f"telco-churn monitor {' '.join(options)}", check=False, **{"PATH": path, "PYTHONPATH": "src"} | more
        )

    @property
    def reports(self) -> Path:
        return self.project.path / "reports" / "monitoring"

    def summary(self, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
        """Return the summary of a run, whose report is there as a whole."""
        assert "report: " in done.stdout, done.stderr
        folder = self.project.path / done.stdout.rpartition("report: ")[2].strip()
        summary = json.loads((folder / "summary.json").read_text())
        page = [] if summary["status"] == "undecided" else ["drift.html"]
        assert sorted(path.name for path in folder.iterdir()) == sorted([*page, "summary.json", "summary.md"])
        return summary


@pytest.fixture(scope="session")
def installed(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with Evidently in it, beside the one that all tests share."""
    environment = tmp_path_factory.mktemp("monitor") / ".venv"
    served.project.run(f"uv venv --quiet {environment}")
    install = f"uv pip install --quiet --python {environment} --constraint requirements.txt --editable '.[dev,monitor]'"
    served.project.run(install)
    return environment


@pytest.fixture
def monitor(served: Served, installed: Path) -> Iterator[Monitor]:
    served.move("production", 1)
    found = Monitor(served.project, installed)
    settings = served.project.text("monitoring.yaml")
    yield found
    (served.project.path / "monitoring.yaml").write_text(settings)
    shutil.rmtree(found.reports, ignore_errors=True)


@pytest.fixture(scope="module")
def traffic(served: Served, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The log of a server that has answered as usual, then twice something else, then as usual; and when that was."""
    served.mood.write_text("")
    served.move("production", 1)
    log = tmp_path_factory.mktemp("traffic")
    times = [moment()]
    with serving(served.project, log) as server:
        until(lambda: ready(server), "it is ready", server)
        for more in ("", "--shift tenure=0.4", "--shift tenure=0.4", ""):
            served.project.run(CLIENT.format(rows=ROWS, port=server.port, more=more))
            time.sleep(1.1)  # windows end at whole seconds
            times.append(moment())
    return {"log": log, "times": times}


def moment() -> str:
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S}"


def window(traffic: dict[str, Any], number: int) -> list[str]:
    since, until = traffic["times"][number : number + 2]
    return ["--since", since, "--until", until, "--log", str(traffic["log"])]


def test_traffic_as_usual_is_healthy_then_drift_is_acted_on_once_it_lasts_and_no_longer_once_it_is_over(
    monitor: Monitor, served: Served, traffic: dict[str, Any]
) -> None:
    done = [monitor(*window(traffic, number)) for number in range(4)]
    found = [monitor.summary(one) for one in done]

    assert [one.returncode for one in done] == [0, 0, 1, 0], [one.stdout for one in done]
    assert [one["rows"] for one in found] == [one["labels"] for one in found] == [ROWS] * 4
    assert [one["status"] for one in found] == ["healthy", "healthy", "act", "healthy"]
    assert [[part["alarm"] for part in one["history"]] for one in found][2:] == [
        [False, True, True],
        [True, True, False],
    ]
    assert "tenure" in found[1]["drifted"]
    assert "not enough to act: an alarm in 1 of the last 2 windows" in done[1].stdout
    assert [reason for reason in found[2]["reasons"] if reason.startswith("tenure drifted: wasserstein")]
    assert found[0]["drifted"] == found[3]["drifted"] == []
    assert {part["metric"] for part in found[0]["performance"]} == {
        "roc_auc",
        "average_precision",
        "log_loss",
        "brier",
        "miscalibration",
    }
    assert all(part["status"] == "ok" for part in found[0]["performance"] + found[0]["quality"])
    series = served.registry("series")
    assert [point[1] for point in series["rows"]] == [ROWS] * 4
    assert [point[0] for point in series["drift/tenure"]] == [
        int(datetime.datetime.fromisoformat(one["window"]["until"]).timestamp()) for one in found
    ]


def test_rows_that_were_refused_and_a_column_without_values_are_acted_on_in_the_first_window(
    monitor: Monitor, served: Served, tmp_path: Path
) -> None:
    """Two thirds of a window answered 422 for a new category; and before that, a window with a column that is null."""
    rows = served.rows[:ROWS]
    nulls = [row | {"total_charges": None} for row in rows]
    new = [row | {"contract": "Ten year"} for row in rows]
    times = [moment()]
    with serving(served.project, tmp_path) as server:
        until(lambda: ready(server), "it is ready", server)
        for batches in ([nulls], [rows, new, new[: ROWS // 2]]):
            statuses = [server.ask("/predict/batch", {"records": batch}).status for batch in batches]
            time.sleep(1.1)
            times.append(moment())
        statuses += [server.ask("/predict", row).status for row in new[ROWS // 2 :]]
        time.sleep(1.1)
        times.append(moment())
        logged = server.lines("refused.jsonl")
        lines = server.lines()

    without_values, refused = (
        monitor("--since", times[first], "--until", times[last], "--log", str(tmp_path))
        for first, last in ((0, 1), (1, 3))
    )

    assert statuses == [200, 422, 422] + [422] * (ROWS // 2)
    assert (len(lines), sum(line["rows"] for line in logged)) == (2 * ROWS, 2 * ROWS)
    assert "Ten year" not in json.dumps(logged)
    found = [monitor.summary(done) for done in (without_values, refused)]
    assert [done.returncode for done in (without_values, refused)] == [1, 1], refused.stdout
    assert "total_charges (nulls)" in found[0]["extreme"]
    assert (found[1]["rows"], found[1]["refused_rows"], found[1]["drifted"]) == (ROWS, 2 * ROWS, [])
    assert found[1]["extreme"] == ["(rows that were sent) (refused)"]
    assert found[1]["refused"] == [{"column": "contract", "rule": "literal_error", "value": "text", "rows": 2 * ROWS}]
    folder = served.project.path / refused.stdout.rpartition("report: ")[2].strip()
    for report in (refused.stdout, *((folder / name).read_text() for name in ("drift.html", "summary.md"))):
        assert f"{2 * ROWS:,} rows were refused" in report
        assert "(most often contract: literal_error, text)" in report


def browsed(page: Path, folder: Path) -> tuple[str, set[str]]:
    """Open a page in Chromium, which reaches no host; return what it shows, as HTML, and the addresses the page asked for."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("there is no Chromium here")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--log-net-log={folder / 'net.json'}"]
    command += ["--window-size=1300,2400", "--virtual-time-budget=10000", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=180).stdout
    events = [event.get("params", {}) for event in json.loads((folder / "net.json").read_text())["events"]]
    own = [event for event in events if "url" in event and event.get("initiator", "not an origin") != "not an origin"]
    return shown, {event["url"] for event in own if event["url"].startswith(("http", "ws"))}


def test_the_page_can_be_read_in_a_browser_without_a_network(
    monitor: Monitor, traffic: dict[str, Any], tmp_path: Path
) -> None:
    assert monitor(*window(traffic, 1)).returncode == 0
    (page,) = monitor.reports.glob("*/drift.html")

    shown, asked = browsed(page, tmp_path)

    assert "<h1>telco-churn version 1: the window compared with the reference</h1>" in shown
    drawn = shown.partition("Dataset Drift is detected")[2]  # what the page's own script has drawn
    assert "score: probability" in drawn
    assert "Wasserstein distance (normed)" in drawn
    assert asked == set()
    (tmp_path / "other.html").write_text('<img src="http://example.org/a.png">')
    assert browsed(tmp_path / "other.html", tmp_path)[1] == {"http://example.org/a.png"}


def test_an_empty_log_and_one_of_another_version_are_no_verdict(
    monitor: Monitor, served: Served, traffic: dict[str, Any], tmp_path: Path
) -> None:
    done = monitor("--log", str(tmp_path))
    assert done.returncode == 2
    assert monitor.summary(done)["missing_rows"] == 500
    assert "0 rows, 500 are needed: 500 are missing" in done.stdout

    served.move("production", 2)
    done = monitor(*window(traffic, 0))
    found = monitor.summary(done)
    assert (done.returncode, found["rows"], found["other_versions"]) == (2, 0, {"1": ROWS})
    assert f"not counted: {ROWS} of version 1" in done.stdout


def test_a_version_is_judged_by_its_number_whatever_alias_it_has_now(
    monitor: Monitor, served: Served, traffic: dict[str, Any]
) -> None:
    served.move("production", 2)

    done = monitor(*window(traffic, 1), "--version", "1")
    unknown = monitor(*window(traffic, 1), "--version", "99")
    acting = monitor(*window(traffic, 1), "--version", "1", "--act")

    found = monitor.summary(done)
    assert (found["rows"], found["version"], found["role"], found["other_versions"]) == (ROWS, "1", "version-1", {})
    assert "tenure" in found["drifted"]
    assert done.stdout.rstrip().endswith("-version-1")
    for wrong, said in ((unknown, "no version 99 of telco-churn"), (acting, "in production now")):
        assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1), wrong.stderr
        assert said in wrong.stderr


def test_lines_that_cannot_be_read_cost_no_report(monitor: Monitor, traffic: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(traffic["log"], tmp_path / "log")
    for path in (tmp_path / "log").rglob("*.jsonl"):
        path.write_bytes(b"\x00garbage\n" + path.read_bytes()[:-40])

    done = monitor(*window(traffic, 0)[:4], "--log", str(tmp_path / "log"))

    found = monitor.summary(done)
    assert done.returncode == 0
    assert found["rows"] == ROWS
    assert found["broken_lines"] >= 3  # one of each kind, and the last of the predictions that was cut


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (("length: 1d ", "length: 1m "), ["--until", "{times[1]}"], {"length": 60}),
        (("min_rows: 500 ", "min_rows: 601 "), ["--since", "{times[0]}", "--until", "{times[1]}"], {"missing": 1}),
        (("log: null ", "log: {log} "), ["--since", "{times[0]}", "--until", "{times[1]}"], {"rows": ROWS}),
        (("delay: null ", "delay: 52w "), ["--since", "{times[0]}", "--until", "{times[1]}"], {"labels": 0}),
        (("rows: 5000 ", "rows: 510 "), ["--since", "{times[0]}", "--until", "{times[1]}"], {"compared": 510}),
        (("labels: 20000 ", "labels: 210 "), ["--since", "{times[0]}", "--until", "{times[1]}"], {"labels": 210}),
        (("alarms: 2 ", "alarms: 1 "), ["--since", "{times[1]}", "--until", "{times[2]}"], {"status": "act"}),
    ],
)
def test_a_key_of_the_settings_has_an_effect(
    monitor: Monitor, traffic: dict[str, Any], change: tuple[str, str], options: list[str], expected: dict[str, Any]
) -> None:
    monitor.project.replace("monitoring.yaml", change[0], change[1].format(**traffic))
    if "alarms" in change[0]:
        monitor.project.replace("monitoring.yaml", "windows: 3", "windows: 1")

    done = monitor(
        *(option.format(**traffic) for option in options), SERVING_LOG=str(traffic["log"]) * ("log" not in change[0])
    )

    found = monitor.summary(done)
    since, until = (datetime.datetime.fromisoformat(found["window"][name]) for name in ("since", "until"))
    facts = {
        "length": (until - since).total_seconds(),
        "missing": found["missing_rows"],
        "rows": found["rows"],
        "labels": found["labels"],
        "compared": found["compared"]["rows"],
        "status": found["status"],
    }
    assert facts | expected == facts


def test_without_mlflow_the_report_is_written_and_a_line_says_what_is_missing(
    monitor: Monitor, traffic: dict[str, Any]
) -> None:
    assert monitor(*window(traffic, 0)).returncode == 0
    shutil.rmtree(monitor.reports)

    done = monitor(*window(traffic, 0), MLFLOW_TRACKING_URI="http://127.0.0.1:9")

    assert done.returncode == 0, done.stderr
    assert monitor.summary(done)["rows"] == ROWS
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert "using version 1, which was production the last time" in warnings[0]
    assert "this window is missing from the series there" in warnings[1]


def test_a_version_without_a_reference_and_an_environment_without_evidently_are_one_line(
    monitor: Monitor, served: Served, traffic: dict[str, Any], tmp_path: Path
) -> None:
    bare = served.registry("without_reference", str(tmp_path))
    served.move("production", bare)
    lacking = monitor(*window(traffic, 0))
    missing = served.project.run("telco-churn monitor", check=False, PYTHONPATH="src")

    for done, said in ((lacking, "was registered without a reference"), (missing, "make setup EXTRAS=dev,monitor")):
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not monitor.reports.exists() or not list(monitor.reports.glob("[0-9]*"))


def test_a_table_scored_in_batch_is_judged_by_the_same_rule(monitor: Monitor, served: Served, tmp_path: Path) -> None:
    """Its inputs come from the table that was scored, its labels too, and its quarantined rows count as refused."""
    script = (
        "import pandas\ntable = pandas.read_parquet('data/interim/dataset.parquet').head(1500).astype({'tenure': float})\n"
        "table['tenure'] = (table['tenure'] * 0.6).round()\ntable.loc[:11, 'tenure'] = -1\n"
        f"table.astype({{'tenure': int}}).to_parquet('{tmp_path}/table.parquet', index=False)\n"
    )
    (tmp_path / "make.py").write_text(script)
    served.project.run(f"python {tmp_path / 'make.py'}", PYTHONPATH="src")
    served.project.run(
        f"telco-churn score --input {tmp_path}/table.parquet --output {tmp_path}/scores --as-of 2026-03-01"
    )
    of_the_day = ["--since", "2026-03-01", "--until", "2026-03-02", "--scores", f"{tmp_path}/scores"]

    alone = monitor(*of_the_day)
    page = (served.project.path / alone.stdout.rpartition("report: ")[2].strip() / "drift.html").read_text()
    done = monitor(*of_the_day, "--input", f"{tmp_path}/table.parquet")
    wrong = monitor("--scores", f"{tmp_path}/nowhere")

    assert (alone.returncode, done.returncode, wrong.returncode) == (0, 0, 2), done.stdout + done.stderr
    assert "not compared, as scores have no inputs" in alone.stdout
    assert "<p>not compared, as scores have no inputs" in page
    assert wrong.stderr.splitlines() == [f"error: --scores {tmp_path}/nowhere: no such file or folder"]
    found = monitor.summary(done)
    assert (found["rows"], found["labels"], found["refused_rows"]) == (1488, 1488, 12)
    assert (found["role"], found["drifted"]) == ("batch-scores", ["tenure"])
    assert found["refused"] == [{"column": "tenure", "rule": "in_range(0, 120)", "value": "", "rows": 12}]
    assert {part["metric"] for part in found["performance"]} >= {"roc_auc", "brier"}
    assert "not enough to act: an alarm in 1 of the last 1 windows" in done.stdout


def test_two_monitors_at_once_leave_one_whole_report(monitor: Monitor, traffic: dict[str, Any]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: monitor(*window(traffic, 0)), range(2)))

    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
    assert monitor.summary(done[0]) == monitor.summary(done[1])
    assert [path.name for path in monitor.reports.glob(".[a-z]*")] == [".lock"]


def test_the_daily_workflow_remembers_its_windows_and_acts_when_drift_lasts(
    served: Served, installed: Path, traffic: dict[str, Any], tmp_path: Path
) -> None:
    served.move("production", 1)
    project = copied(served.project, tmp_path)
    project.replace("monitoring.yaml", "min_rows: 500 ", "min_rows: 2000 ")  # all four windows are this day's
    project.run(
        "git remote set-url origin https://github.com/o/r.git || git remote add origin https://github.com/o/r.git"
    )
    project.commit("One window a day")
    (tmp_path / "gh").mkdir()
    given = {"PREDICTION_LOG": traffic["log"], "MLFLOW_TRACKING_URI": f"sqlite:///{served.project.path}/mlflow.db"}
    with hub(tmp_path / "gh") as github:

        def day() -> tuple[dict[str, str], str]:
            done = act(
                project, tmp_path, "schedule", "--workflows=.github/workflows/monitor.yml", "--secret=GITHUB_TOKEN=ghs_1",
                *[f"--var={name}={value}" for name, value in given.items()],
                f"--env=PROJECT_VENV={installed}", f"--env=GH_CONFIG_DIR={github.folder}", f"--env=PATH={TOOLS}:/usr/bin:/bin",
            )  # fmt: skip
            return jobs(done.stdout), done.stdout[-9000:]

        first, said = day()
        assert first == {"monitor": "succeeded"}, said
        assert "not enough to act" in said
        assert (github.issues, github.started) == ([], [])
        yesterday(tmp_path / "artifacts/kept/monitoring-1")
        second, said = day()

    assert second == {"monitor": "failed"}, said
    (issue,) = github.issues
    assert "tenure drifted" in issue["body"]
    ((workflow, asked),) = github.started
    assert workflow == "retrain.yml"
    assert asked["inputs"]["reason"].startswith("monitoring: tenure drifted")
    assert len(list((tmp_path / "artifacts/monitoring").rglob("drift.html"))) >= 1


def yesterday(kept: Path) -> None:
    """Make the window that a workflow has kept a day older."""
    (path,) = kept.rglob("summary.json")
    summary = json.loads(path.read_text())
    for name, value in summary["window"].items():
        moved = datetime.datetime.fromisoformat(value) - datetime.timedelta(days=1)
        summary["window"][name] = moved.isoformat()
    path.write_text(json.dumps(summary))
    path.parent.rename(path.parent.with_name(f"2{path.parent.name[1:]}".replace("Z", "Z-earlier", 1)))


def test_without_its_variables_the_workflow_says_what_to_set(served: Served, tmp_path: Path) -> None:
    done = act(served.project, tmp_path, "schedule", "--workflows=.github/workflows/monitor.yml")

    assert jobs(done.stdout) == {"unconfigured": "succeeded"}, done.stdout[-3000:]
    assert "Nothing was monitored: set the repository variables PREDICTION_LOG" in done.stdout
