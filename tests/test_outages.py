"""The documented MLflow server on PostgreSQL and S3, set up from nothing; and what commands say when a part of it is down or frozen."""

import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import BakedProject, copied
from servers import S3_KEYS, Link, free_port, object_store, postgres, running
from serving import serving, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("outages")]

SECONDS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "3", "STORE_SECONDS": "3"}
MOST = 60  # seconds that a command may take, on a busy machine, most of them for its imports
SCORE = "score --input data/raw/telco.csv --output {output}"


@dataclass
class Documented:
    """A project released to the documented server, and links to the server's parts and to the server itself."""

    project: BakedProject
    links: dict[str, Link]
    store: int
    """The port of the object store."""

    def run(self, command: str, check: bool = False, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.project.run(f"telco-churn {command}", check, **self.environment | environment)

    @property
    def environment(self) -> dict[str, str]:
        """The server's address; a client has no credentials of the store."""
        return {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{self.links['mlflow'].port}", "PYTHONPATH": "src"} | SECONDS

    @property
    def with_store(self) -> dict[str, str]:
        return S3_KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.links['s3'].port}"}

    def objects(self) -> list[str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.store}/models?list-type=2", timeout=20) as answer:
            return re.findall("<Key>(.*?)</Key>", answer.read().decode())

    def forget(self) -> None:
        """Remove all models that were fetched."""
        for name in (".scoring", ".monitoring"):
            shutil.rmtree(self.project.path / name, ignore_errors=True)


@pytest.fixture(scope="module")
def documented(base: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documented]:
    """Follow docs/tracking-server.md: only passwords, addresses and ports are others."""
    folder = tmp_path_factory.mktemp("documented")
    project = copied(base, folder)
    (project.path / ".venv").unlink()
    (block,) = re.findall(
        r"^```\n(make setup EXTRAS=dev,server\n.*?)^```", project.text("docs/tracking-server.md"), re.M | re.S
    )
    setup, _, server = block.partition("\n")
    for name in ("database", "store", "server"):
        (folder / name).mkdir()
    project.run(f"{setup} PYTHON=$(realpath {base.path}/.venv/bin/python)")
    with postgres(folder / "database") as database, object_store(base, folder / "store") as store:
        port, database_port = free_port(), int(re.findall(r":(\d+)/", database)[0])
        links = {"database": Link(database_port), "s3": Link(store)}
        for there, here in (
            (
                "postgresql://mlflow:PASSWORD@localhost/mlflow",
                database.replace(str(database_port), str(links["database"].port)),
            ),
            ("/srv/mlflow", "s3://models/mlflow"),
            (".venv/bin/mlflow", str(project.path / ".venv/bin/mlflow")),
            ("5000", str(port)),
        ):
            assert there in server
            server = server.replace(there, here)
        environment = S3_KEYS | {"MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{links['s3'].port}"}
        with running(["sh", "-c", server], folder / "server", f"http://127.0.0.1:{port}/health", **environment):
            documented = Documented(project, links | {"mlflow": Link(port)}, store)
            project.run("make track gate register BASE=HEAD~1", **documented.environment)
            for command in ("promote --to staging --reason x", "check", "promote --to production --reason x"):
                documented.run(command, check=True)
            packages = "--constraint requirements.txt --editable '.[dev,server,monitor,s3]'"
            project.run(f"uv pip install --quiet {packages}")  # what reading a log in a store needs
            yield documented


@pytest.fixture
def up(documented: Documented) -> Iterator[Documented]:
    """Everything works, until a test changes it."""
    yield documented
    for link in documented.links.values():
        link.set("open")
    documented.forget()


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The line that a command has failed with."""
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
    assert line.startswith("error: ")
    return line


def test_the_documented_server_keeps_models_in_the_store_and_clients_need_no_keys_of_it(documented: Documented) -> None:
    assert [name for name in documented.objects() if name.endswith("/model.skops")]
    assert re.search("checks +passed", documented.run("show 1", check=True).stdout)


def test_the_image_of_compose_yaml_has_what_the_extra_has(baked: BakedProject) -> None:
    (packages,) = re.findall(r"--constraint requirements.txt mlflow (.+)", baked.text("compose.yaml"))
    (extra,) = re.findall(r"^server = \[(.*)\]", baked.text("pyproject.toml"), re.M)

    assert packages.replace("'", "").split() == [name.partition(">")[0] for name in re.findall('"(.*?)"', extra)]


@pytest.mark.parametrize(
    ("part", "state", "reason"),
    [
        ("s3", "down", "it answers 500: its artifact store fails, and its own log says why"),
        (
            "s3",
            "frozen",
            "it has not answered within 3 s (MLFLOW_HTTP_REQUEST_TIMEOUT), though it is up: its artifact store hangs",
        ),
        ("database", "down", "it answers 503: (psycopg.OperationalError) connection failed: "),
        ("database", "frozen", "though it is up: its database hangs or is slow"),
        ("mlflow", "down", "it does not answer: connection refused"),
        ("mlflow", "frozen", "it has not answered within 3 s (MLFLOW_HTTP_REQUEST_TIMEOUT); "),
    ],
)
@pytest.mark.parametrize("command", ["check", SCORE, "monitor --log ."])
def test_an_outage_is_one_line_with_its_cause_in_bounded_time(
    up: Documented, tmp_path: Path, command: str, part: str, state: str, reason: str
) -> None:
    up.links[part].set(state)
    started = time.monotonic()

    # The server's clients of a store and of a database that refuses them try again for longer than three seconds.
    seconds = "20" if state == "down" and part != "mlflow" else "3"
    done = up.run(command.format(output=tmp_path), MLFLOW_HTTP_REQUEST_TIMEOUT=seconds)

    assert time.monotonic() - started < MOST + 60 * (state == "down")
    assert reason in one_line(done)
    assert list(tmp_path.iterdir()) == []


def test_a_slow_server_is_waited_for(up: Documented) -> None:
    up.links["mlflow"].set("slow")

    assert "production" in up.run("history", check=True).stdout


@pytest.mark.parametrize("state", ["frozen", "down"])
def test_score_uses_the_version_of_the_last_time_while_mlflow_is_silent(
    up: Documented, tmp_path: Path, state: str
) -> None:
    up.run(SCORE.format(output=tmp_path / "before"), check=True)
    up.links["mlflow"].set(state)

    done = up.run(SCORE.format(output=tmp_path / "after"))

    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^warning: MLflow at .*; using version 1, which was production the last time \(2.* UTC\)", done.stderr
    )
    before, after = (next((tmp_path / name).glob("date=*/*.parquet")).read_bytes() for name in ("before", "after"))
    assert len(before) == len(after)


def test_a_version_that_mlflow_names_is_not_replaced_by_another_if_its_files_cannot_be_had(
    up: Documented, tmp_path: Path
) -> None:
    up.run(SCORE.format(output=tmp_path), check=True)
    (folder,) = (up.project.path / ".scoring").glob("1-*")
    up.links["s3"].set("down")
    assert up.run(SCORE.format(output=tmp_path), check=True).stderr == ""  # the files are in the cache
    folder.rename(folder.with_name(f"2{folder.name[1:]}"))

    done = up.run(SCORE.format(output=tmp_path), MLFLOW_HTTP_REQUEST_TIMEOUT="20")

    assert "its artifact store fails" in one_line(done)


@pytest.mark.parametrize("state", ["down", "frozen"])
@pytest.mark.parametrize("command", ["monitor", "retrain --local"])
def test_a_log_in_a_store_that_does_not_answer_is_one_line(up: Documented, command: str, state: str) -> None:
    up.run("monitor --log .")  # it needs the version, which is in its cache from now on
    up.links["s3"].set(state)
    started = time.monotonic()

    done = up.run(f"{command} --log s3://models/log", **up.with_store)

    assert time.monotonic() - started < MOST
    reason = "no answer within 3 s" if state == "frozen" else "Could not connect to the endpoint URL|no answer within"
    assert re.search(f"s3://models/log: the log cannot be read: ({reason})", one_line(done))


LABELLED = """
import datetime, json, pathlib, sys
from lifecycle.core import config
from lifecycle.core.files import read_parquet, read_yaml
rows = read_parquet(config.FEATURES / "test.parquet")[list(read_yaml(config.CONTRACT)["columns"])].head(150).astype(object)
moment = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)).isoformat(timespec="milliseconds")
day = pathlib.Path(sys.argv[1]) / moment[:10]
day.mkdir()
with (day / "a.jsonl").open("w") as answers, (day / "a.feedback.jsonl").open("w") as labels:
    for number, row in enumerate(rows.where(rows.notna(), None).to_dict("records")):
        label, name = row.pop("churn"), f"r{number}"
        head = {"time": moment, "request_id": name}
        inputs = row | {"customer_id": f"C9{number:04}"}
        answer = {"role": "production", "version": 1, "milliseconds": 1.0, "inputs": inputs, "label": label, "probability": 0.5}
        answers.write(json.dumps(head | answer) + "\\n")
        labels.write(json.dumps(head | {"label": label}) + "\\n")
"""


def test_a_retraining_that_cannot_be_logged_says_that_mlflow_is_the_cause(up: Documented, tmp_path: Path) -> None:
    (up.project.path / ".git" / "labelled.py").write_text(LABELLED)
    up.project.run(f"python .git/labelled.py {tmp_path}", PYTHONPATH="src")
    up.links["database"].set("down")

    done = up.run(f"retrain --local --log {tmp_path}")

    line = one_line(done)
    assert "150 rows are new" in done.stdout
    assert line.startswith("error: the pipeline cannot be run: MLflow at http://127.0.0.1:")
    assert re.search(r"failed: it (answers 503: |has not answered within .*: its database hangs)", line)


def test_a_log_in_a_bucket_that_is_not_there_is_not_taken_for_an_empty_one(up: Documented) -> None:
    done = up.run("retrain --local --log s3://nobody/log", **up.with_store)

    assert "s3://nobody/log: the log cannot be read" in one_line(done)


def test_a_table_is_read_from_a_store_and_scores_are_written_to_it(up: Documented, tmp_path: Path) -> None:
    upload = "import fsspec; fsspec.filesystem('s3').put_file('data/raw/telco.csv', 'models/in/telco.csv')"
    up.project.run(f'python -c "{upload}"', **up.with_store)
    up.run(SCORE.format(output=tmp_path) + " --as-of 2026-01-31", check=True)

    for _ in range(2):  # the second run replaces what the first has written
        done = up.run(
            "score --input s3://models/in --output s3://models/out/ --as-of 2026-01-31", check=True, **up.with_store
        )

    assert "rows of s3://models/in, 0 quarantined; wrote s3://models/out/date=2026-01-31 (" in done.stdout
    written = [name for name in up.objects() if name.startswith("out")]
    assert written == ["out/date=2026-01-31/part-0.parquet", "out_quarantine/date=2026-01-31/part-0.parquet"]
    assert not list((up.project.path / ".scoring").glob(".store-*"))
    read = "import pandas as p, sys; print(p.read_parquet(sys.argv[1]).drop(columns='scored_at').equals(p.read_parquet(sys.argv[2]).drop(columns='scored_at')))"
    here = next(tmp_path.glob("date=*/*.parquet"))
    same = up.project.run(f'python -c "{read}" s3://models/{written[0]} {here}', **up.with_store)
    assert same.stdout == "True\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--input s3://models/nothing --output s3://models/out", "s3://models/nothing: no such file or folder"),
        ("--input s3://nobody/in --output {here}", "s3://nobody/in: The specified bucket does not exist"),
        ("--input data/raw/telco.csv --output s3://nobody/out", "s3://nobody/out/date=.* does not exist"),
        ("--input s3://models/in/a --output s3://models/in", "s3://models/in overlap"),
        ("--input data/raw/telco.csv --output s3://models/", "--output s3://models: name a folder in it"),
        ("--input gs://models/in --output {here}", "gs://models/in: cannot be reached: .*make setup EXTRAS=dev,gs"),
        ("--input ftps://models/in --output {here}", "ftps://models/in: cannot be reached: Protocol not known"),
    ],
)
def test_an_address_that_cannot_be_meant_is_one_line_before_any_work(
    up: Documented, tmp_path: Path, options: str, reason: str
) -> None:
    up.links["mlflow"].set("down")  # it is not even asked

    done = up.run(f"score {options.format(here=tmp_path)}", **up.with_store)

    assert re.search(reason, one_line(done))
    assert list(tmp_path.iterdir()) == []
    assert not [path for path in up.project.path.iterdir() if path.name.endswith(":")]


@pytest.mark.parametrize("address", ["s3://bucket/log", "gs://bucket/log", "az://container/log"])
def test_an_address_where_a_server_needs_a_folder_is_one_line(up: Documented, address: str) -> None:
    for variable in ("SERVING_LOG", "SERVING_CACHE"):
        done = up.run("serve --port 0", **{variable: address})

        assert one_line(done).startswith(f"error: {variable}={address} is an address, where a folder")
    assert not [path for path in up.project.path.iterdir() if path.name.endswith(":")]


KNOWN = """python -c "
import json
from lifecycle.core import config
from lifecycle.core.files import read_parquet, read_yaml
rows = read_parquet(config.FEATURES / 'test.parquet')[list(read_yaml(config.CONTRACT)['columns'])].head(20)
rows = rows.drop(columns=config.load().data.target).astype(object)
print(json.dumps(rows.where(rows.notna(), None).to_dict('records')))
"
"""
DIRECT = """
import sys
import fsspec, mlflow
from lifecycle.core import config
from lifecycle.core.tracking import store
from lifecycle.registry import ledger, moves
with store(config.load(), "the test fails") as client:
    if sys.argv[1] == "copy":
        first = client.get_model_version("telco-churn", "1")
        folder = mlflow.artifacts.download_artifacts("models:/telco-churn/1", dst_path=sys.argv[2])
        fsspec.filesystem("s3").put(folder.rstrip("/") + "/", "models/direct/", recursive=True)
        print(client.create_model_version("telco-churn", "s3://models/direct", tags=first.tags).version)
    else:
        last = ledger.head(client, "telco-churn")
        moves.move(client, "telco-churn", last, "try", "production", int(sys.argv[2]), "a test", 0, {})
"""


def test_a_server_whose_version_is_in_a_store_that_hangs_answers_tries_again_and_stops_in_time(
    up: Documented, tmp_path: Path
) -> None:
    """The version's files are in a bucket that the server itself reads, without MLflow's server before it."""
    script = up.project.path / ".git/direct.py"
    script.write_text(DIRECT)
    row = {"records": json.loads(up.project.run(KNOWN, PYTHONPATH="src").stdout)}
    version = up.project.run(f"python {script} copy {tmp_path}", **up.environment | up.with_store).stdout.strip()
    up.forget()
    shutil.rmtree(up.project.path / ".serving", ignore_errors=True)

    def problem() -> str:
        failures: dict[str, dict[str, str]] = server.ask("/model").body["load_failures"]
        return failures.get(version, {}).get("error", "")

    with serving(up.project, tmp_path / "log", **up.environment | up.with_store) as server:
        assert server.ask("/predict/batch", row).status == 200
        up.links["s3"].set("frozen")
        up.project.run(f"python {script} move {version}", **up.environment)
        seconds = until(problem, "the version is given up", server)
        answers = server.ask("/predict/batch", row).body["predictions"]
        assert seconds < 30
        assert "it has not answered within 3 s (STORE_SECONDS)" in problem()
        assert {answer["model_version"] for answer in answers} == {1}
        up.links["s3"].set("open")
        until(lambda: server.versions()["production"] == int(version), "the version is served", server)

        up.project.run(f"python {script} move 1", **up.environment)
        until(lambda: server.versions()["production"] == 1, "version 1 again", server)
        for folder in (up.project.path / ".serving/production").glob(f"{version}-*"):
            shutil.rmtree(folder)
        up.links["s3"].set("frozen")
        up.project.run(f"python {script} move {version}", **up.environment)
        until(lambda: list((up.project.path / ".serving/production").glob(".fetching-*")), "it is fetched", server)
        started = time.monotonic()
        server.process.terminate()
        assert server.process.wait(20) == 0
        assert time.monotonic() - started < 15
    up.links["s3"].set("open")
    up.project.run(f"python {script} move 1", **up.environment)
