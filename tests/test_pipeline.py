"""`dvc repro` in a generated repo: from nothing to a model, the same bytes every time, and only what has changed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import BakedProject
from test_notebook import execute

STAGES = ["data", "validate", "featurize", "train", "walk_forward", "evaluate", "track"]
RESULTS = (
    "metrics",
    "plots",
    "reports",
    "models",
    "data/features",
    "data/predictions",
    "data/reference",
    "data/interim",
)

pytestmark = pytest.mark.slow


def test_a_fresh_project_passes_its_own_lint(project: BakedProject) -> None:
    """And its tests, in tests/test_workflows.py: the job `code` of a sound pull request."""
    linted = project.run("make lint")

    assert "All checks passed!" in linted.stdout
    assert "no issues found" in linted.stdout


@pytest.mark.parametrize("package", ["m", "a_package_with_a_name_of_about_forty_letters"])
def test_the_style_holds_whatever_the_package_is_called(
    bake: Callable[..., BakedProject], project: BakedProject, package: str
) -> None:
    baked = bake(project="x9", package=package, description="w" * 150)
    (baked.path / ".venv").symlink_to(project.path / ".venv")

    baked.run("ruff check . && ruff format --check --diff .")


def test_every_stage_prints_what_it_did_and_how_long_it_took(reproduced: BakedProject) -> None:
    log = (reproduced.path / ".git" / "repro.log").read_text()

    for stage in STAGES:
        (line,) = re.findall(rf"^{stage}: .*$", log, flags=re.MULTILINE)
        assert re.search(r"\(\d+\.\d s\)$", line), line
    assert "read 7,043 rows × 21 columns from data/raw/telco.csv, dropped 0 repeated" in log
    assert re.search(r"\d+ checks passed on 7,043 rows × 21 columns", log)


def test_the_model_is_worth_its_name(reproduced: BakedProject) -> None:
    test, intervals = reproduced.read("metrics/test.json"), reproduced.read("reports/intervals.json")

    assert (
        set(test)
        == set(intervals)
        == {"roc_auc", "average_precision", "log_loss", "brier", "f1", "accuracy", "miscalibration"}
    )
    assert 0.83 < test["roc_auc"] < 0.88  # what good models reach on this table
    for name, bounds in intervals.items():
        if name != "miscalibration":  # a figure that is biased, of which the interval takes the bias off
            assert bounds["low"] < test[name] < bounds["high"]
        assert bounds["high"] - bounds["low"] < 0.15


def test_slices_and_model_card_are_about_the_columns_in_params(reproduced: BakedProject) -> None:
    slices = reproduced.read("metrics/slices.json")
    card = reproduced.text("reports/model_card.md")

    assert list(slices) == reproduced.read("params.yaml")["evaluate"]["slices"]
    assert set(slices["contract"]) == {"Month-to-month", "One year", "Two year"}
    assert all(part["rows"] > 0 for part in slices["contract"].values())
    assert f"{reproduced.read('metrics/test.json')['roc_auc']:.4f}" in card
    assert "| Month-to-month |" in card


def test_the_validation_report_holds_every_check(reproduced: BakedProject) -> None:
    report = reproduced.read("reports/validation.json")
    kinds = {check["check"].partition("(")[0] for check in report["checks"]}

    assert report["passed"]
    assert report["rows"] == 7043
    assert {
        "column_in_dataframe",
        "dtype",
        "not_nullable",
        "isin",
        "in_range",
        "mean_between",
        "unique_share_between",
    } <= kinds
    assert {"field_uniqueness", "null_share_at_most", "str_matches", "fits_task"} <= kinds


def test_small_results_are_in_git_and_large_ones_in_dvc(reproduced: BakedProject) -> None:
    tracked = reproduced.run("git ls-files").stdout.splitlines()

    assert {"dvc.lock", "metrics/test.json", "plots/roc.json", "reports/model_card.md"} <= set(tracked)
    assert not [name for name in tracked if name.endswith((".parquet", ".skops", ".db"))]
    assert reproduced.run("git status --porcelain").stdout == ""
    assert reproduced.run("dvc status").stdout.strip() == "Data and pipelines are up to date."


def test_every_plot_is_drawn(reproduced: BakedProject) -> None:
    drawn = json.loads(reproduced.run("dvc plots show --json").stdout)

    assert drawn.get("errors", []) == []
    assert len(drawn["data"]) == 6
    for name, (plot,) in drawn["data"].items():
        assert plot["content"]["data"]["values"], name
        assert plot["content"]["title"] == name
    assert reproduced.run("dvc plots show").stderr == ""


def test_a_second_run_does_nothing(copy: BakedProject) -> None:
    before = copy.hashes(*RESULTS, "dvc.lock")

    output = copy.run("dvc repro").stdout

    assert "Running stage" not in output
    assert copy.hashes(*RESULTS, "dvc.lock") == before


def test_the_same_inputs_are_the_same_bytes(copy: BakedProject) -> None:
    """Twice by force, then in another clone with nothing but git, and with another number of threads."""
    lock = copy.text("dvc.lock")
    copy.run("dvc repro --force")
    assert copy.text("dvc.lock") == lock

    clone = BakedProject(copy.path.parent / "clone")
    copy.run(f"git clone --quiet . {clone.path}")
    (clone.path / ".venv").symlink_to(copy.path / ".venv")
    output = clone.run("dvc repro --pull", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1").stdout

    assert "Running stage 'train'" in output
    assert clone.text("dvc.lock") == lock
    assert clone.run("git status --porcelain").stdout == ""


def test_a_changed_parameter_runs_only_what_follows(copy: BakedProject) -> None:
    copy.replace("params.yaml", "threshold: 0.5", "threshold: 0.4")

    ran = re.findall(r"Running stage '(\w+)'", copy.run("dvc repro").stdout)

    assert ran == ["validate", "walk_forward", "evaluate", "track"]
    changed = copy.run("dvc metrics diff --json HEAD --targets metrics/test.json").stdout
    assert {"f1", "accuracy"} == set(json.loads(changed)["metrics/test.json"])


def test_a_stage_that_is_killed_leaves_the_last_results(copy: BakedProject) -> None:
    before = copy.hashes(*RESULTS)
    copy.replace("params.yaml", "threshold: 0.5", "threshold: 0.4")
    copy.replace("params.yaml", "max_leaf_nodes: 4", "max_leaf_nodes: 5")
    copy.replace(
        "src/lifecycle/pipeline/train.py",
        "    model_file.save(",
        "    import os; os.kill(os.getpid(), 9)\n    model_file.save(",
    )

    assert copy.run("dvc repro", check=False).returncode != 0

    assert copy.hashes(*RESULTS) == before


def test_adding_rows_moves_no_row_to_another_side(copy: BakedProject) -> None:
    before = set(copy.parquet("data/features/test.parquet", "list(frame.customer_id)"))
    with (copy.path / "data/raw/telco.csv").open("a") as file:
        rows = copy.text("data/raw/telco.csv").splitlines()[1:801]
        file.write("".join(f"C9{row[2:]}\n" for row in rows))

    log = copy.run("dvc repro featurize").stdout

    assert "read 7,843 rows" in log
    after = set(copy.parquet("data/features/test.parquet", "list(frame.customer_id)"))
    assert before < after
    assert {name for name in after if not name.startswith("C9")} == before


@pytest.mark.parametrize(
    ("task", "target", "estimator", "metric", "least"),
    [
        ("multiclass", "contract", "sklearn.ensemble.RandomForestClassifier", "roc_auc", 0.75),
        ("regression", "monthly_charges", "sklearn.linear_model.Ridge", "r2", 0.9),
    ],
)
def test_the_other_tasks_run_by_changing_params_alone(
    copy: BakedProject, task: str, target: str, estimator: str, metric: str, least: float
) -> None:
    copy.replace("params.yaml", "task: binary", f"task: {task}")
    copy.replace("params.yaml", "target: churn", f"target: {target}")
    set_estimator(copy, estimator)
    copy.replace("params.yaml", "slices: [contract, internet_service, senior_citizen]", "slices: [partner]")

    copy.run("dvc repro")

    assert copy.read("metrics/test.json")[metric] > least
    assert list(copy.read("metrics/slices.json")) == ["partner"]
    drawn = json.loads(copy.run("dvc plots show --json").stdout)["data"]
    assert len([plots for plots in drawn.values() if plots]) == (6 if task == "multiclass" else 3)
    assert f"{task}: predict `{target}`" in copy.text("reports/model_card.md")
    predictions = copy.parquet("data/predictions/test.parquet", "list(frame)")
    assert ("probability_One year" in predictions) == (task == "multiclass")


def test_an_estimator_of_ones_own_is_a_function_in_model_py(copy: BakedProject) -> None:
    own = """

class Bagged(RandomForestClassifier):
    pass


def bagged() -> BaseEstimator:
    return Bagged(n_estimators=20)
"""
    model = copy.path / "src/telco_churn/model.py"
    imports = "from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.impute"
    model.write_text(model.read_text().replace("from sklearn.impute", imports) + own)
    set_estimator(copy, "bagged", min_samples_leaf=5)

    copy.run("dvc repro")

    assert "`Bagged` with `min_samples_leaf=5`" in copy.text("reports/model_card.md")
    types = copy.text("models/trusted_types.txt").splitlines()
    assert types == ["sklearn.tree._tree.Tree", "telco_churn.model.Bagged"]


def set_estimator(project: BakedProject, estimator: str, **parameters: object) -> None:
    """Name another estimator in params.yaml, with these parameters alone."""
    lines = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in parameters.items())
    text = re.sub(r"  estimator: .*\n", f"  estimator: {estimator}\n", project.text("params.yaml"), count=1)
    block = f"  parameters:\n{lines}" if lines else "  parameters: {}\n"
    text = re.sub(r"  parameters:.*\n(    .*\n)*", block, text, count=1)
    (project.path / "params.yaml").write_text(text)


def test_the_projects_tests_hold_after_a_value_is_tuned(copy: BakedProject) -> None:
    copy.run("dvc exp run -S train.parameters.learning_rate=0.1 -S evaluate.threshold=0.4")

    tested = copy.run("pytest -q", PYTHONPATH="src").stdout

    assert re.search(r"\d+ passed", tested)
    assert "SKIPPED" not in tested


def test_the_command_validates_any_file(copy: BakedProject, tmp_path: Path) -> None:
    good = copy.run("telco-churn validate", PYTHONPATH="src")
    header, first, *rest = copy.text("data/raw/telco.csv").splitlines()
    (tmp_path / "bad.csv").write_text("\n".join([header, first.replace(",1,0,", ",7,0,", 1), *rest]))
    bad = copy.run(f"telco-churn validate {tmp_path / 'bad.csv'}", check=False, PYTHONPATH="src")

    assert re.search(r"data/raw/telco.csv: (\d+) of \1 checks passed", good.stdout)
    assert bad.returncode == 1
    assert "FAIL  column female: isin([0, 1]) fails (customer_id C00001: 7)" in bad.stdout


def test_a_prediction_is_explained_column_by_column(reproduced: BakedProject) -> None:
    key, probability = reproduced.parquet(
        "data/predictions/test.parquet", "frame[['customer_id', 'probability']].iloc[0].tolist()"
    )

    explained = reproduced.run(f"telco-churn explain {key}", PYTHONPATH="src").stdout
    unknown = reproduced.run("telco-churn explain nobody", check=False, PYTHONPATH="src")

    assert explained.startswith(f"customer_id {key}: probability of churn Yes {probability:.4g}, ")
    assert re.search(r"^sum +[+-]", explained, flags=re.MULTILINE)
    assert unknown.returncode == 1
    assert re.fullmatch(r"error: nobody: no row of .* has this customer_id; .*\n", unknown.stderr)


TUMOURS = """
from sklearn.datasets import load_breast_cancer
table = load_breast_cancer(as_frame=True).frame
table["diagnosis"] = table.pop("target").map({0: "malignant", 1: "benign"})
table.sample(frac=1, random_state=1).to_csv("tumours.csv", sep=";", decimal=",", index=False)
"""


def test_a_scaffold_about_ones_own_table_is_green(
    bake: Callable[..., BakedProject], project: BakedProject, tmp_path: Path
) -> None:
    """The answers `data` and `target`: `make setup repro`, and the next change is judged."""
    project.run(f"cd {tmp_path} && {project.path}/.venv/bin/python -c '{TUMOURS}'")
    mine = bake(tmp_path, project="tumours", data=str(tmp_path / "tumours.csv"), target="diagnosis")

    printed = mine.run("make setup repro").stdout

    for topic, decision in {
        "file": "569 rows × 31 columns; separator ;, utf-8, decimal comma",
        "id": "no column identifies a row",
        "target": "diagnosis: binary, two values; malignant is positive (by its name), 37.3% of the rows",
    }.items():
        assert re.search(rf"^  {topic} .*{re.escape(decision)}", printed, flags=re.MULTILINE), (topic, printed)
    assert "committed as " in printed
    assert "Data and pipelines are up to date." in printed
    assert mine.run("git status --porcelain").stdout == ""
    assert mine.run("git log -1 --format=%s").stdout == "Adopt tumours.csv: predict diagnosis\n"
    assert mine.run("git grep -iE 'telco|churn'", check=False).stdout == ""
    assert not (mine.path / ".dvc/tmp/adopt.json").exists()
    measured = {name: mine.read(f"metrics/{name}.json")["roc_auc"] for name in ("test", "linear", "trivial")}
    assert measured["trivial"] == 0.5
    assert min(measured["test"], measured["linear"]) > 0.95

    mine.run("make lint")
    tested = mine.run("make test").stdout
    mine.replace("params.yaml", "n_estimators: 200", "n_estimators: 3")
    mine.run("make repro && git commit --quiet --all --message 'Three trees'")
    judged = mine.run("make gate BASE=HEAD~1", check=False)

    (passed, seconds) = re.findall(r"^(\d+) passed in ([\d.]+)s", tested, flags=re.MULTILINE)[0]
    assert int(passed) > 20
    assert float(seconds) < 60  # 15 on a machine with nothing else to do
    assert judged.returncode != 0
    assert re.match(r"gate: FAIL", judged.stdout), judged.stdout
    assert "log_loss" in judged.stdout
    assert "probability" in execute(mine, tmp_path / "packages")


def test_adopt_takes_the_sample_out_and_brings_a_table_in(fresh: BakedProject, tmp_path: Path) -> None:
    """A regression with a date; its pull request against the sample is judged by what can be compared."""
    fresh.run(
        f"""python -c 'import numpy, pandas
random = numpy.random.default_rng(1)
size = random.gamma(6, 12, 800)
table = pandas.DataFrame({{"flat": range(1, 801), "size (m²)": size.round(1), "rooms": random.integers(1, 7, 800)}})
table["listed"] = (pandas.Timestamp("2024-01-01") + pandas.to_timedelta(random.integers(0, 700, 800), "D")).strftime("%d.%m.%Y")
table["rent"] = (9 * size + random.normal(0, 60, 800)).round(2)
table.to_csv("{tmp_path}/flats.csv", index=False)'"""
    )

    printed = fresh.run(f"telco-churn adopt {tmp_path}/flats.csv --target rent --time listed", PYTHONPATH="src").stdout
    (fresh.path / "reports").mkdir(exist_ok=True)
    judged = fresh.run("make gate BASE=HEAD~1", check=False, PYTHONPATH="src")

    assert "regression" in printed
    assert fresh.run("git status --porcelain").stdout == ""
    assert fresh.run("git log --format=%s").stdout.startswith("Adopt flats.csv: predict rent\n")
    gone = [
        ".sample-files",
        ".dvc/embedded",
        "scripts/prepare_telco.py",
        "data/raw/telco.csv.dvc",
        "tests/test_sample_features.py",
    ]
    assert [name for name in gone if (fresh.path / name).exists()] == []
    assert "embedded" not in fresh.text(".dvc/config")
    params = fresh.read("params.yaml")
    assert params["data"]["formats"] == {"listed": "%d.%m.%Y"}
    assert params["split"]["time"]["column"] == "listed"
    assert params["data"]["id"] == "flat"
    assert fresh.read("metrics/test.json")["r2"] > 0.8
    assert fresh.run("dvc status").stdout == "Data and pipelines are up to date.\n"
    assert " passed" in fresh.run("pytest -q", PYTHONPATH="src").stdout
    assert judged.stdout.startswith("gate: PASS")
    assert "Another problem than the base's: task was binary, is regression" in judged.stdout
    assert "contract=" not in judged.stdout  # a slice of the sample


def test_adopt_that_fails_halfway_leaves_the_repo_as_it_was(fresh: BakedProject, tmp_path: Path) -> None:
    """One row of a class cannot stand on three sides: that is known only when the dataset is made."""
    rows = "".join(f"{number},{number * 7 % 11},{'c' if number < 2 else 'ab'[number % 2]}\n" for number in range(80))
    (tmp_path / "table.csv").write_text(f"id,x,y\n{rows}")
    head = fresh.run("git rev-parse HEAD").stdout

    done = fresh.run(f"telco-churn adopt {tmp_path}/table.csv --target y", check=False, PYTHONPATH="src")

    assert done.returncode == 1
    assert done.stderr.startswith("error: column y: class c has 2 rows, too few for 2 on each side of the split")
    assert len(done.stderr.splitlines()) == 1
    assert fresh.run("git status --porcelain").stdout == ""
    assert fresh.run("git rev-parse HEAD").stdout == head
    assert fresh.run("git worktree list").stdout.count("\n") == 1
    assert (fresh.path / "data/raw/telco.csv").exists()


def test_help_lists_what_make_can_do(project: BakedProject) -> None:
    targets = set(re.findall(r"^  ([a-z-]+) ", project.run("make help").stdout, flags=re.MULTILINE))

    assert targets == {
        "help",
        "setup",
        "repro",
        "track",
        "validate",
        *("resolve", "environment", "relock", "audit", "search", "template-update"),
        *("gate", "workflows", "notebook"),
        "register",
        "promote",
        "check",
        "rollback",
        "history",
        "serve",
        "deploy",
        "undeploy",
        "simulate",
        "compare",
        "log-compact",
        "score",
        "score-demo",
        "monitor",
        "retrain",
        "drift-demo",
        "test",
        "lint",
        "format",
        "ui",
        "plots",
        "plots-diff",
        "prune-cache",
        "protect",
        "lock",
    }
