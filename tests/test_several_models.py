"""A further model in a repo: added, reproduced, judged beside the one at the top, released under its own name, resolved."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import BakedProject, copied

pytestmark = pytest.mark.slow

NORTH = "models/north"
LOAD = 'from lifecycle.pipeline import results; print(results.load("north").params.track.model)'
TUNED = {
    "rate": ("learning_rate: 0.05", "learning_rate: 0.06"),
    "penalty": ("l2_regularization: 1.0", "l2_regularization: 2.0"),
}
BELIEVED = "{data: quick, validate: quick, featurize: quick, train: quick}"


@pytest.fixture(scope="session")
def two(reproduced: BakedProject, once: Callable[..., BakedProject]) -> BakedProject:
    """A project with the model at the top and north, which has another number of trees, both quick to judge."""

    def make(folder: Path) -> BakedProject:
        project = copied(reproduced, folder)
        project.replace("params.yaml", "bootstrap: 1000", "bootstrap: 200")
        project.replace("gates.yaml", "not_recomputed: {}", f"not_recomputed: {BELIEVED}")
        project.run("telco-churn model add north")
        project.replace(f"{NORTH}/params.yaml", "max_iter: 150", "max_iter: 160")
        printed = project.run("make repro").stdout
        (project.path / ".git/repro.log").write_text(printed)
        project.commit("Add north")
        return project

    return once("two", make)


@pytest.fixture
def repo(two: BakedProject, tmp_path: Path) -> BakedProject:
    """A copy of it, that a test may change."""
    return copied(two, tmp_path)


def test_a_further_model_has_results_of_its_own_and_a_run_under_its_own_name(two: BakedProject) -> None:
    log = (two.path / ".git/repro.log").read_text()

    assert "read 7,043 rows × 21 columns from ../../data/raw/telco.csv" in log
    assert "in experiment 'telco-churn-north' at sqlite:///" in log
    assert two.read(f"{NORTH}/metrics/test.json") != two.read("metrics/test.json")
    assert not (two.path / NORTH / "mlflow.db").exists()
    assert two.run("git status --porcelain").stdout == ""
    assert two.run(f"cd notebooks && python -c '{LOAD}'").stdout == "telco-churn-north\n"
    listed = two.run("telco-churn model list").stdout
    assert "models/north  telco_churn  binary  churn   ../../data/raw/telco.csv  telco-churn-north" in listed


def test_a_change_of_one_runs_and_judges_only_that_one_which_is_released_under_its_own_name(repo: BakedProject) -> None:
    hashes = repo.hashes("metrics", "models/model.skops", "dvc.lock")
    repo.run("git switch --quiet --create more")
    repo.replace(f"{NORTH}/params.yaml", "max_iter: 160", "max_iter: 165")

    ran = repo.run("make repro").stdout
    repo.commit("More trees")
    judged = repo.run("make gate BASE=main")
    refused = repo.run("make register", check=False)
    registered = repo.run("make register MODEL=north").stdout

    assert ran.count("Running stage 'train'") == 1
    assert repo.hashes("metrics", "models/model.skops", "dvc.lock") == hashes
    lines = judged.stdout.splitlines()
    assert lines[0] == "gate: PASS: 1 model judged: models/north PASS"
    assert lines[1] == "- Not judged, for nothing in the branch is about them: top"
    assert "train.parameters.max_iter  160   165" in judged.stdout
    assert "the gate has not checked the model in models/" in refused.stderr
    assert registered == "register: version 1 of telco-churn-north is the candidate\n"
    content = repo.read("reports/gate.json")
    assert list(content["models"]) == ["models/north"]
    assert "<summary>✅ models/north: PASS</summary>" in repo.text("reports/gate.md")


def test_shared_code_has_both_judged_and_one_that_fails_fails_all(repo: BakedProject) -> None:
    repo.replace(f"{NORTH}/gates.yaml", "roc_auc: {min: 0.80", "roc_auc: {min: 0.99")
    repo.commit("Stricter")
    repo.run("git switch --quiet --create shared")
    features = repo.path / "src/telco_churn/features.py"
    features.write_text(features.read_text() + "\n# a remark\n")
    repo.run("make repro")
    repo.commit("A remark")

    judged = repo.run("telco-churn gate --base main --json reports/gate.json", check=False)

    assert judged.returncode == 1
    assert judged.stdout.startswith("gate: FAIL: 2 models judged: top PASS, models/north FAIL\n")
    (reason,) = repo.read("reports/gate.json")["reasons"]
    assert reason["text"].startswith("models/north: roc_auc is 0.8")


def test_a_model_that_is_added_is_judged_by_its_own_limits(repo: BakedProject) -> None:
    judged = repo.run("make gate MODEL=north BASE=HEAD~1").stdout

    assert judged.splitlines()[0].startswith("gate: PASS against HEAD~1")
    assert "no baseline: the base has no metrics" in judged
    assert "The branch's own gates.yaml was applied: the base has no gates.yaml" in judged


def test_a_table_of_its_own_is_adopted_with_code_of_its_own(repo: BakedProject) -> None:
    rows = "".join(f"k{n},{n % 7},{n % 3},{n % 7 + 0.1 * (n % 3)}\n" for n in range(900))
    (repo.path / "sales.csv").write_text("key,size,kind,price\n" + rows)
    repo.run("git add sales.csv && git commit --quiet --message table")
    shared = repo.run("telco-churn adopt sales.csv --target price --model north", check=False)
    repo.run("telco-churn model add south --package south_code")
    repo.commit("Add south")
    before = repo.hashes("params.yaml", "contract.yaml", "data", "src/telco_churn", "README.md", "metrics")

    repo.run("telco-churn adopt sales.csv --target price --model south")

    assert shared.returncode == 2
    assert "src/telco_churn has the features of another model's table (top)" in shared.stderr
    assert repo.hashes("params.yaml", "contract.yaml", "data", "src/telco_churn", "README.md", "metrics") == before
    params = repo.read("models/south/params.yaml")
    assert (params["task"], params["data"]["raw"]) == ("regression", "data/raw/sales.csv")
    assert (repo.path / "models/south/data/raw/sales.csv.dvc").exists()
    assert "rmse" in repo.read("models/south/metrics/test.json")
    assert repo.run("git status --porcelain").stdout == ""
    assert json.loads(repo.run("dvc status --json").stdout) == {}


def test_branches_that_both_retrained_a_further_model_are_brought_together(repo: BakedProject) -> None:
    for name in ("dvc.yaml", f"{NORTH}/dvc.yaml"):  # without the stage that takes longest
        text = repo.text(name)
        rest = text[text.index("\n# What `dvc plots show`") :]
        (repo.path / name).write_text(text[: text.index("\n  track:\n")] + rest)
    repo.commit("Track nothing")
    for branch, change in TUNED.items():
        repo.run(f"git switch --quiet --create {branch} main && dvc checkout --quiet")
        repo.replace(f"{NORTH}/params.yaml", *change)
        repo.run("git add --all && cd models/north && dvc repro evaluate")
        repo.commit(branch)

    merged = repo.run("git merge rate", check=False)
    resolved = repo.run("make resolve").stdout
    repo.run("git commit --no-edit --quiet")

    assert "CONFLICT" in merged.stdout
    assert "to finish it: `git commit --no-edit`" in resolved
    assert repo.run("git status --porcelain").stdout == ""
    lock = repo.read(f"{NORTH}/dvc.lock")["stages"]["train"]["params"]["params.yaml"]["train"]
    assert (lock["parameters"]["learning_rate"], lock["parameters"]["l2_regularization"]) == (0.06, 2.0)


def test_make_takes_a_name_from_its_command_line_or_from_the_environment_and_never_expands_it(
    bake: Callable[..., BakedProject],
) -> None:
    project = bake()
    (project.path / NORTH).mkdir(parents=True)
    (project.path / NORTH / "params.yaml").write_text("")

    def where(arguments: str = "", **environment: str) -> str:
        return project.run(f"make --dry-run plots {arguments}", **environment).stdout.strip()

    assert where() == where("MODEL=") == where(LIFECYCLE_MODEL="") == "cd . && dvc plots show"
    assert where("MODEL=north") == where(LIFECYCLE_MODEL="north") == "cd models/north && dvc plots show"
    assert where("MODEL=nowhere") == "cd models/no-such-model && dvc plots show"
    for name in ("$(shell touch expanded)", "x; touch expanded"):
        assert where(f"MODEL='{name}'") == where(LIFECYCLE_MODEL=name) == where("MODEL=nowhere")
    assert not (project.path / "expanded").exists()
