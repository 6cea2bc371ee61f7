"""The tracking stage against real stores: SQLite, and an MLflow server on loopback."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import BakedProject
from servers import free_port, mlflow_server

pytestmark = pytest.mark.slow

RUNS = """
import json, mlflow, sys
runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
print(json.dumps([{"id": r.info.run_id, "name": r.info.run_name, "params": r.data.params, "metrics": r.data.metrics,
    "tags": r.data.tags, "datasets": [[d.dataset.name, d.dataset.digest] for d in r.inputs.dataset_inputs],
    "models": [m.model_id for m in r.outputs.model_outputs] if r.outputs else [],
    "artifacts": sorted(a.path for f in ("metrics", "plots", "reports") for a in mlflow.MlflowClient().list_artifacts(r.info.run_id, f))}
    for r in runs]))
"""
SCORE = """
import mlflow, numpy, os, pandas, sys
model = mlflow.pyfunc.load_model("models:/" + sys.argv[1])
raw = pandas.read_csv(sys.argv[2]).set_index("customer_id", drop=False)
known = pandas.read_parquet(sys.argv[3]).set_index("customer_id")
integers = raw.select_dtypes("integer").columns
answers = model.predict(raw.loc[known.index].astype(dict.fromkeys(integers, "float64"))[model.metadata.get_input_schema().input_names()])
numpy.testing.assert_array_equal(answers[:, 1], known["probability"])
print("equal", len(answers), flush=True)
os._exit(0)  # see BakedProject.parquet
"""


def tracked(project: BakedProject, uri: str) -> list[dict]:
    (project.path / ".git" / "runs.py").write_text(RUNS)
    return json.loads(project.run("python .git/runs.py", MLFLOW_TRACKING_URI=uri).stdout.splitlines()[-1])


def sqlite(project: BakedProject) -> str:
    return f"sqlite:///{project.path / 'mlflow.db'}"


@pytest.fixture(scope="module")
def server(project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(project, tmp_path_factory.mktemp("mlflow")) as address:
        yield address


def test_the_run_holds_what_made_the_model_and_what_it_reached(reproduced: BakedProject) -> None:
    (run,) = tracked(reproduced, sqlite(reproduced))

    test = reproduced.read("metrics/test.json")
    assert {name: run["metrics"][name] for name in test} == test
    bounds = reproduced.read("reports/intervals.json")["roc_auc"]
    assert (run["metrics"]["roc_auc.low"], run["metrics"]["roc_auc.high"]) == (bounds["low"], bounds["high"])
    assert run["metrics"]["validation.roc_auc"] == reproduced.read("metrics/validation.json")["roc_auc"]
    assert run["params"]["train.estimator"] == "sklearn.ensemble.HistGradientBoostingClassifier"
    assert run["params"]["train.learning_rate"] == "0.05"
    assert run["params"]["seed"] == "42"
    md5 = reproduced.read("data/raw/telco.csv.dvc")["outs"][0]["md5"]
    assert run["datasets"] == [["data/raw/telco.csv", md5]]
    model_hash = reproduced.hashes("models/model.skops")["models/model.skops"]
    assert run["tags"]["model.sha256"] == model_hash
    assert run["tags"]["git.commit"] == reproduced.run("git rev-parse HEAD~1").stdout.strip()
    assert re.fullmatch(r"[0-9a-f]{64}", run["tags"]["dvc.lock.sha256"])
    assert {"metrics/test.json", "plots/roc.json", "reports/model_card.md", "reports/validation.json"} <= set(
        run["artifacts"]
    )
    assert len(run["models"]) == 1


def test_the_logged_model_answers_the_offline_probabilities_without_the_repo(
    reproduced: BakedProject, tmp_path: Path
) -> None:
    (run,) = tracked(reproduced, sqlite(reproduced))
    folder = reproduced.path / "mlartifacts/models" / run["models"][0] / "artifacts"
    assert "skops" in (folder / "MLmodel").read_text()
    assert not list(folder.rglob("*.pkl"))
    (tmp_path / "score.py").write_text(SCORE)
    raw, known = reproduced.path / "data/raw/telco.csv", reproduced.path / "data/predictions/test.parquet"
    elsewhere = BakedProject(tmp_path)

    environment = {
        "MLFLOW_TRACKING_URI": sqlite(reproduced),
        "PATH": f"{reproduced.path / '.venv/bin'}:{os.environ['PATH']}",
    }
    answer = elsewhere.run(f"python score.py {run['models'][0]} {raw} {known}", **environment)

    assert answer.stdout.split()[-2:] == ["equal", "1384"]


def test_tracking_again_updates_the_run_and_adds_no_twin(copy: BakedProject) -> None:
    (before,) = tracked(copy, sqlite(copy))

    output = copy.run("dvc repro --force --single-item track").stdout

    assert f"updated run {before['id']}" in output
    (after,) = tracked(copy, sqlite(copy))
    assert after["models"] == before["models"]
    assert after["tags"]["git.commit"] == copy.run("git rev-parse HEAD").stdout.strip()
    assert before["tags"]["dvc.lock.sha256"] == after["tags"]["dvc.lock.sha256"]


def test_a_run_that_was_cut_off_is_completed(copy: BakedProject) -> None:
    (before,) = tracked(copy, sqlite(copy))
    copy.run(
        f"python -c \"import mlflow; mlflow.MlflowClient().delete_tag('{before['id']}', 'complete')\"",
        MLFLOW_TRACKING_URI=sqlite(copy),
    )

    copy.run("dvc repro --force --single-item track")

    (after,) = tracked(copy, sqlite(copy))
    assert after["id"] == before["id"]
    assert after["tags"]["complete"] == "true"


def test_a_server_that_is_down_costs_a_second_run_of_this_stage_alone(copy: BakedProject, server: str) -> None:
    copy.replace("params.yaml", "max_iter: 150", "max_iter: 40")
    started = time.monotonic()

    down = copy.run("dvc repro", check=False, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}")

    assert down.returncode != 0
    assert time.monotonic() - started < 90
    (line,) = [line for line in down.stderr.splitlines() if line.startswith("error: ")]
    assert "the run is not logged, everything else is on disk" in line
    assert "name another store in MLFLOW_TRACKING_URI, and run `dvc repro` again" in line
    assert "exited with 2" in down.stderr
    assert "Traceback" not in down.stderr
    results = copy.hashes("metrics", "models", "plots")

    up = copy.run("dvc repro", MLFLOW_TRACKING_URI=server)

    assert re.findall(r"Running stage '(\w+)'", up.stdout) == ["track"]
    assert copy.hashes("metrics", "models", "plots") == results
    (run,) = tracked(copy, server)
    assert run["metrics"]["roc_auc"] == copy.read("metrics/test.json")["roc_auc"]
    assert run["tags"]["model.sha256"] == results["models/model.skops"]


def test_experiments_queued_ones_included_land_in_the_same_store(copy: BakedProject) -> None:
    copy.run("dvc exp run --name direct -S train.parameters.max_iter=30")
    copy.run("git checkout --quiet . && dvc checkout --quiet")
    copy.run("dvc exp run --queue -S train.parameters.max_iter=20,25")
    # Code that is edited after queueing must not run in the queued experiments.
    copy.replace(
        "src/telco_churn/features.py", "def build_features(", "raise SystemExit('edited later')\ndef build_features("
    )

    copy.run("dvc queue start --jobs 2")
    for _ in range(120):
        status = copy.run("dvc queue status").stdout
        if not re.search(r"Queued|Running", status):
            break
        time.sleep(2)

    assert status.count("Success") == 2, (
        status + copy.run("dvc queue logs $(dvc queue status | awk 'NR==2{print $1}')", check=False).stdout
    )
    runs = tracked(copy, sqlite(copy))
    assert len(runs) == 4
    assert {run["params"]["train.max_iter"] for run in runs} == {"150", "30", "25", "20"}
    assert "direct" in {run["name"] for run in runs}
