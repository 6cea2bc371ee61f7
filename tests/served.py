"""What is served in the tests: a project with versions of several kinds in a real MLflow store, and a server on top of it."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import BakedProject, clean_environment, copied
from serving import POLL, TIMEOUT, Server, ready, serving, until


class Registry:
    """The project's store: one process that runs commands with the project's own code, because starting one takes seconds."""

    def __init__(self, project: BakedProject) -> None:
        script = project.path / ".git" / "registry.py"
        script.write_text(REGISTRY)
        self.process = subprocess.Popen(
            [str(project.path / ".venv/bin/python"), str(script)],
            cwd=project.path,
            env=clean_environment()
            | {"PATH": f"{project.path / '.venv/bin'}:{os.environ['PATH']}", "PYTHONPATH": "src"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(project.path / ".git" / "registry.log").open("w"),
            text=True,
        )

    def __call__(self, name: str, *arguments: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline() or pytest.fail("see .git/registry.log"))


REGISTRY = '''
import contextlib, json, re, shutil, sys
from pathlib import Path
import mlflow
from lifecycle.core import config
from lifecycle.core.files import file_hash, read_parquet, read_yaml
from lifecycle.core.tracking import MODEL_HASH, MODEL_ID, run_of, store
from lifecycle.core.version_code import CODE_HASH, code_hash, copied
from lifecycle.pipeline import track
from lifecycle.registry import ledger, moves
from lifecycle.registry.rollback import rollback as put_back

MODEL = "telco-churn"

def tracked():
    """A version of the model that is in models/. The gate, and the command line, have their tests in test_registry.py."""
    params = config.load()
    track.main()
    run = run_of(client, params, file_hash(config.MODEL)).data.tags
    return version(f"models:/{run[MODEL_ID]}", run[MODEL_HASH], run[CODE_HASH])

def changed(folder, more):
    """A version like the first, with more at the end of its features.py."""
    first = client.get_model_version(MODEL, "1")
    source = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}/1", dst_path=folder))
    with (source / "code" / "telco_churn" / "features.py").open("a") as file:
        file.write(more)
    beside = [(source / path).read_bytes() for path in (config.PARAMS, config.CONTRACT)]
    return version(str(source), first.tags[MODEL_HASH], code_hash(copied(source / "code"), *beside))

def of_another_environment(folder):
    """A version like the first, which another scikit-learn has made."""
    first = client.get_model_version(MODEL, "1")
    source = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}/1", dst_path=folder))
    path = source / "environment.yaml"
    path.write_text(re.sub('scikit-learn: ".*"', 'scikit-learn: "1.8.0"', path.read_text()))
    return version(str(source), first.tags[MODEL_HASH], first.tags[CODE_HASH])

def without_reference(folder):
    """A version as it was before monitoring: nothing to hold its traffic against."""
    first = client.get_model_version(MODEL, "1")
    source = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}/1", dst_path=folder))
    shutil.rmtree(source / "reference")
    return version(str(source), first.tags[MODEL_HASH], first.tags[CODE_HASH])

def series():
    """What monitoring has logged of version 1: metric, step and value of each point."""
    experiment = client.get_experiment_by_name(f"{MODEL}-monitoring").experiment_id
    (run,) = client.search_runs([experiment], "tags.`monitoring.version` = '1'")
    return {
        name: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
        for name in run.data.metrics
    }

def damaged():
    """A version whose file is not the one that was registered."""
    first = client.get_model_version(MODEL, "1")
    return version(first.source, "0" * 64, first.tags[CODE_HASH])

def version(source, model, code):
    created = client.create_model_version(MODEL, source, tags={MODEL_HASH: model, CODE_HASH: code})
    return int(created.version)

def move(alias, version, percent=0):
    """Give an alias to a version, or take it away if that is 0."""
    last = ledger.head(client, MODEL)
    moves.move(client, MODEL, last, "try", alias, version or 1, "a test", percent, {} if version else {alias: None})

def check(version):
    """Note that a version has passed its checks."""
    client.set_model_version_tag(MODEL, str(version), moves.STAGING_CHECKS, moves.PASSED)

def aliases():
    return ledger.head(client, MODEL).state

def count_moves():
    return len(ledger.history(client, MODEL))

def rollback():
    put_back(client, MODEL, None, "a test")

def rows():
    """Rows of the test split, and what `evaluate` predicted for them."""
    params = config.load()
    rows = read_parquet(config.FEATURES / "test.parquet")[list(read_yaml(config.CONTRACT)["columns"])]
    rows = rows.drop(columns=params.data.target).astype(object)
    expected = read_parquet(config.PREDICTIONS)[[params.data.id, "prediction", "probability"]].set_index(params.data.id)
    expected = expected.loc[rows[params.data.id]].rename(columns={"prediction": "label"})
    return rows.where(rows.notna(), None).to_dict("records"), expected.to_dict("records")

with store(config.load(), "the test fails") as client:
    for model in (MODEL, ledger.ledger_of(MODEL)):
        client.create_registered_model(model)
for line in sys.stdin:
    name, *arguments = json.loads(line)
    with contextlib.redirect_stdout(sys.stderr):
        result = globals()[name](*arguments)
    print(json.dumps(result), flush=True)
'''


MOODY = """
from pathlib import Path
calm = build_features
def build_features(frame):
    exec(Path({mood!r}).read_text())
    return calm(frame)
"""


@dataclass
class Served:
    """Versions 1 and 2 are models of two commits, 3 does what the file `mood` says, and 4 and 5 cannot be loaded."""

    project: BakedProject
    registry: Registry
    mood: Path
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Of the test split, without what is to be predicted."""
    expected: list[dict[str, Any]] = field(default_factory=list)
    """What `evaluate` predicted for them with version 1."""

    def move(self, alias: str, version: int, percent: int = 0) -> None:
        """Give an alias to a version; to none if that is 0."""
        self.registry("move", alias, version, percent)


@pytest.fixture(scope="session")
def served(base: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    project = copied(base, folder)
    registry = Registry(project)
    try:
        assert registry("tracked") == 1
        project.run("git switch --quiet worse && dvc checkout --quiet")
        assert registry("tracked") == 2
        project.run("git switch --quiet main && dvc checkout --quiet")
        mood = folder / "mood.py"
        mood.write_text("")
        assert registry("changed", str(folder / "moody"), MOODY.format(mood=str(mood))) == 3
        assert registry("changed", str(folder / "broken"), "raise RuntimeError('it cannot be loaded')") == 4
        assert registry("damaged") == 5
        project.replace("serving.yaml", "poll_seconds: 2 ", f"poll_seconds: {POLL} ")
        project.replace("serving.yaml", "timeout_seconds: 5 ", f"timeout_seconds: {TIMEOUT} ")
        yield Served(project, registry, mood, *registry("rows"))
    finally:
        registry.process.kill()
        registry.process.wait()


@pytest.fixture(scope="session")
def running(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    served.move("production", 1)
    with serving(served.project, tmp_path_factory.mktemp("log")) as server:
        until(lambda: ready(server), "it is ready", server)
        yield server


@pytest.fixture
def server(served: Served, running: Server) -> Server:
    """A server that most tests share, with version 1 in production and nothing beside it."""
    served.mood.write_text("")
    served.move("production", 1)
    until(lambda: running.versions() == {"production": 1, "canary": None, "shadow": None}, "version 1 alone", running)
    return running
