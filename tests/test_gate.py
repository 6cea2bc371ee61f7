"""The gate on real repos: a base, a branch, real DVC. Each case is what a branch does, and the verdict it must get."""

import datetime
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import BakedProject, copied

pytestmark = pytest.mark.slow

RAW = "data/raw/telco.csv"
EVALUATE = "src/lifecycle/pipeline/evaluate.py"
WRITE = 'write_json(values, config.METRICS / f"{side}.json")'
YESTERDAY, TOMORROW = (datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days) for days in (-1, 1))

Change = Callable[[BakedProject], None]


def edit(name: str, old: str, new: str) -> Change:
    return lambda project: project.replace(name, old, new)


def tune(old: str, new: str) -> Change:
    return edit("params.yaml", old, new)


def repro(project: BakedProject) -> None:
    project.run("dvc repro evaluate")


def dvc_commit(project: BakedProject) -> None:
    """Make dvc.lock say that everything is as it should be."""
    project.run("dvc commit --force")


def raw(change: Callable[[list[str]], list[str]]) -> Change:
    """Change the dataset's lines and tell DVC."""

    def apply(project: BakedProject) -> None:
        lines = change(project.text(RAW).splitlines())
        (project.path / RAW).write_text("".join(f"{line}\n" for line in lines))
        project.run(f"dvc add --quiet {RAW}")

    return apply


def written(expression: str) -> list[Change]:
    """Make `evaluate` itself write other metrics, and run it: the pipeline is sound, what it measures is not."""
    code = f'write_text({expression}, config.METRICS / f"{{side}}.json")'
    return [edit(EVALUATE, WRITE, code), edit(EVALUATE, '"""\n\nimport', '"""\n\nimport json\nimport'), repro]


def forge(project: BakedProject) -> None:
    """Write a better metric by hand."""
    project.replace("metrics/test.json", '"roc_auc": 0.8', '"roc_auc": 0.9')


def drop_hard_rows(project: BakedProject) -> None:
    """Leave out of the test features what the model has got wrong, and make everything after them consistent."""
    project.run(
        "python -c \"import os, pyarrow.parquet as pq; f = 'data/features/test.parquet';"
        " x = pq.ParquetFile(f).read().to_pandas();"
        " p = pq.ParquetFile('data/predictions/test.parquet').read().to_pandas();"
        ' x[(p.prediction.astype(str) == p.churn.astype(str)).to_numpy()].to_parquet(f, index=False); os._exit(0)"'
    )
    project.run("dvc commit --force featurize && dvc repro --single-item evaluate")
    dvc_commit(project)


def drop_worst_rows(project: BakedProject) -> None:
    """Take the rows out of the dataset on which the present model is furthest off."""
    worst = project.parquet(
        "data/predictions/test.parquet",
        "list(frame.assign(off=(frame.probability - (frame.churn.astype(str) == 'Yes')).abs()).sort_values('off').customer_id[-60:])",
    )
    raw(lambda lines: [line for line in lines if line.partition(",")[0] not in worst])(project)


def flip_labels(project: BakedProject) -> None:
    """Give some test rows the other label."""
    chosen = project.parquet("data/predictions/test.parquet", "list(frame.customer_id[:60])")
    other = {"Yes": "No", "No": "Yes"}

    def flip(line: str) -> str:
        first, label, rest = line.split(",", 2)
        return f"{first},{other[label]},{rest}" if first in chosen else line

    raw(lambda lines: [lines[0], *map(flip, lines[1:])])(project)


def no_permission(project: BakedProject) -> None:
    """Take out of the policy that the sample may be replaced."""
    (project.path / POLICY).write_text(project.text(POLICY).partition("# Permission to replace")[0])


def predict_something_easy(project: BakedProject) -> None:
    """Call another column the target: whether somebody has a contract of two years."""
    raw(
        lambda lines: [
            lines[0],
            *(
                f"{line.split(',')[0]},{'Yes' if 'Two year' in line else 'No'},{line.split(',', 2)[2]}"
                for line in lines[1:]
            ),
        ]
    )(project)


def worse(project: BakedProject) -> None:
    """Take over the branch of the base whose model is worse than allowed, as it was reproduced once for all."""
    project.run("git merge --quiet --no-edit worse && dvc checkout --quiet")


def predictions(expression: str) -> Change:
    """Change the probabilities in the committed test predictions, and dvc.lock with them: the metrics stay as they are."""
    name = "data/predictions/test.parquet"

    def apply(project: BakedProject) -> None:
        project.run(
            f"chmod u+w {name}; python -c \"import os, pyarrow.parquet as pq; f = '{name}';"
            f" x = pq.ParquetFile(f).read().to_pandas(); p = x['probability']; x['probability'] = {expression};"
            ' os.unlink(f); x.to_parquet(f, index=False); os._exit(0)"'
        )
        project.run("dvc commit --force --quiet evaluate")

    return apply


def patch_the_judge(project: BakedProject) -> None:
    """Train a worse model whose feature function, while it predicts, tries to change what is measured, and looks for the target."""
    project.replace(
        "src/telco_churn/features.py",
        "    months = frame",
        "    if 'churn' in frame or 'customer_id' in frame:\n"
        "        raise RuntimeError('the target is here')\n"
        "    from lifecycle.core import metrics\n"
        "    metrics.point = lambda measure, rows: {'roc_auc': 0.99, 'average_precision': 0.99, 'log_loss': 0.1, 'brier': 0.1}\n"
        "    months = frame",
    )
    tune("max_iter: 150", "max_iter: 40")(project)
    repro(project)


def own_metric(project: BakedProject) -> None:
    """Measure what mistakes cost, and limit it."""
    path = project.path / "src/telco_churn/metrics.py"
    function = (
        "@metric(higher_is_better=False)\n"
        "def cost_per_row(actual, prediction):\n"
        "    return (50 * (actual & ~prediction) + 5 * (prediction & ~actual)).mean()\n"
    )
    path.write_text(f"{path.read_text()}\n\n{function}")
    project.replace(POLICY, "    brier:", "    cost_per_row: {max: 8, max_rise: 0.5}\n    brier:")
    repro(project)


def bring(name: str, brought: str) -> Change:
    """Commit a .dvc file that puts a file into the working tree when data is fetched."""

    def apply(project: BakedProject) -> None:
        (project.path / "docs/notes").write_text("print('mine')\n")
        project.run("dvc add --quiet docs/notes && git rm --quiet --cached docs/.gitignore; rm -f docs/.gitignore")
        text = project.text("docs/notes.dvc").replace("path: notes", f"path: {brought}")
        (project.path / "docs/notes.dvc").unlink()
        (project.path / name).write_text(text)

    return apply


MUCH_WORSE = tune("max_iter: 150", "max_iter: 15")
BETTER = tune("learning_rate: 0.05", "learning_rate: 0.06")
WITHIN_NOISE = tune("l2_regularization: 1.0", "l2_regularization: 0.0")
POLICY = "gates.yaml"
COST = edit(POLICY, "exceptions: []", "exceptions: []\ncost: {report: true, training_seconds: {max_ratio: 99}}")
DOCUMENTS = edit("README.md", "# telco-churn", "# Telco churn")
NO_RESULT = edit("LICENSE", "MIT License", "The MIT License")


def exception(expires: datetime.date, least: float = 0.7) -> Change:
    """Accept a regression of all metrics until a day."""
    entries = "".join(
        f"\n  - {{metric: {metric}, {bound}, reason: a cheaper model, accepted_by: Ada, expires: {expires}}}"
        for metric, bound in {
            "roc_auc": f"min: {least}",
            "average_precision": "min: 0.5",
            "log_loss": "max: 0.5",
            "brier": "max: 0.2",
        }.items()
    )
    return edit(POLICY, "exceptions: []", f"exceptions:{entries}")


# name: what happens on the base, what happens on the branch, what the verdict says: all of it, if it is several things
MUST_FAIL: dict[str, tuple[list[Change], list[Change], str | list[str]]] = {
    "worse than allowed": ([], [worse], r"log_loss rose by 0\.\d+ to 0\.\d+; 0.01 is allowed \(95% interval of the change \+0\.\d+ to \+0\.\d+\)"),
    "beyond the absolute limit": ([], [MUCH_WORSE, repro], r"log_loss is 0\.\d+, above its limit 0\.4700"),
    "deleted, renamed": ([], written('json.dumps({name: values[name] for name in values if name != "roc_auc"}).replace("brier", "brier_loss")'), ["roc_auc is missing from metrics/test.json, or null", "brier is missing from metrics/test.json, or null"]),
    "metrics file corrupt": ([], written('"{"'), "roc_auc is missing from metrics/test.json, or null"),
    "changed, dvc repro forgotten": (
        [],
        [
            edit("src/telco_churn/features.py", '"""', '"""Changed. '),
            BETTER,
            raw(lambda lines: lines[:-1]),
            edit("dvc.yaml", "PYTHONPATH=src python -m lifecycle.pipeline.train", "PYTHONPATH=src python -B -m lifecycle.pipeline.train"),
        ],
        "the committed results are stale: data/raw/telco.csv, params.yaml: train.parameters.learning_rate, "
        "src/telco_churn/features.py, dvc.yaml: train changed since the last dvc repro",
    ),
    "a module of the user's that no stage declares": (
        [],
        [
            lambda p: (p.path / "src/telco_churn/extra.py").write_text("FACTOR = 1\n") and None,
            edit("src/telco_churn/model.py", "from sklearn.base", "from . import extra as extra\nfrom sklearn.base"),
            repro,
        ],
        r"no stage of dvc.yaml depends on src/telco_churn/extra.py, so a change there would go unnoticed",
    ),
    "never reproduced": ([], [lambda p: p.run("git rm -q dvc.lock") and None], "not made by the pipeline: dvc.lock is made by the pipeline and was not committed"),
    "edited, broken, deleted by hand": (
        [],
        [forge, edit("metrics/train.json", "{", "{{"), lambda p: p.run("git rm -q metrics/validation.json") and None],
        [
            r"not made by the pipeline: metrics/test.json says 0\.9\d+ where recomputing gives 0\.8\d+",
            "metrics/train.json is not what recomputing gives",
            "metrics/validation.json is made by the pipeline and was not committed",
        ],
    ),
    "edited by hand, dvc commit -f": (
        [],
        [forge, edit("reports/model_card.md", "were not used", "were used"), dvc_commit],
        [
            r"not made by the pipeline: metrics/test.json says 0\.9\d+ where recomputing gives 0\.8\d+",
            "reports/model_card.md is not what recomputing gives",
        ],
    ),
    "test rows left out, dvc commit -f": ([edit(POLICY, ", featurize: quick", "")], [drop_hard_rows], "not made by the pipeline: metrics/"),
    "model from elsewhere, dvc commit -f": (
        [edit(POLICY, ", train: quick", "")],
        [BETTER, repro, tune("learning_rate: 0.06", "learning_rate: 0.05"), dvc_commit],
        "not made by the pipeline: metrics/",
    ),
    "policy loosened, exception made, DVC replaced in the same branch": (
        [],
        [
            edit(POLICY, "max: 0.47, max_rise: 0.01", "max: 0.9, max_rise: 0.5"),
            exception(TOMORROW),
            lambda p: (p.path / "dvc.py").write_text("print('{}')\n") and None,
            worse,
        ],
        r"log_loss rose by 0\.\d+",
    ),
    "slice below its floor": ([edit(POLICY, "roc_auc: {min: 0.65}", "roc_auc: {min: 0.74}")], [DOCUMENTS], r"roc_auc where contract=One year is 0\.73\d+, below its limit 0\.7400"),
    "slice no longer measured": ([], [tune("[contract, internet_service, senior_citizen]", "[internet_service, senior_citizen]"), repro], "roc_auc where contract=Month-to-month is gone: the base has it"),
    "dataset breaks the contract, dvc commit -f": ([edit(POLICY, "data: quick, validate: quick, ", "")], [raw(lambda lines: [line.replace("Mailed check", "Bitcoin") for line in lines]), dvc_commit], "the pipeline fails: data/raw/telco.csv breaks the contract"),
    "easier test rows hide a worse model": ([], [worse, drop_worst_rows, repro], "on the rows of both sides; 0.01 is allowed"),
    "test rows with another label": ([], [flip_labels, repro], "(plain rule: test rows of the base are gone or have another target)"),
    "predictions forged": ([], [predictions("1 - p")], r"not made by the pipeline: dvc.lock names data/predictions/test.parquet \w{9}, recomputing gives \w{9}: column probability differs in 1,384 rows"),
    "a base with forged predictions": ([predictions("1 - p")], [tune("max_iter: 150", "max_iter: 40"), repro], ["log_loss rose by 0.0", "because the base's metrics do not follow from its predictions: roc_auc is 0.8483"]),
    "a feature function that patches the judge": ([edit(POLICY, ", train: quick", "")], [patch_the_judge], [r"log_loss rose by 0\.\d+ to 0\.4[45]\d+"]),
    "a metric of one's own that no longer counts mistakes": (
        [own_metric],
        [edit("src/telco_churn/metrics.py", "return (50", "return (0"), MUCH_WORSE, repro],
        [
            r"cost_per_row is 12\.\d+, above its limit 8\.0000",
            r"cost_per_row is measured by the base's src/telco_churn/metrics.py, not by this branch's, which gives 0\.0\d+",
            "src/telco_churn/metrics.py: what your own metrics measure",
        ],
    ),
    "a .dvc file that brings code": ([], [bring("docs/notes.dvc", "../src/telco_churn/sitecustomize.py")], "docs/notes.dvc puts src/telco_churn/sitecustomize.py into the working tree: a .dvc file may only bring files below data/"),
    "a second pipeline": ([], [lambda p: (p.path / "docs/dvc.yaml").write_text("stages:\n  x: {cmd: touch ../run, always_changed: true}\n") and None], "docs/dvc.yaml is a pipeline beside the project's own"),
    "metrics taken out of git": ([], [lambda p: p.run("git rm -q --cached metrics/test.json && echo test.json > metrics/.gitignore") and None], "metrics/test.json is not in the commit"),
    "another split": ([no_permission], [tune("test: 0.2", "test: 0.21"), repro], "the branch is not comparable with its base (split.test was 0.2, is 0.21), and gates.yaml of the base has no new_problem"),
    "another target of the same name": ([no_permission], [predict_something_easy, repro], r"the branch is not comparable with its base \(only \d+ of the base's 1,384 test rows are still there with the same churn\)"),
    "the exception is over": ([exception(YESTERDAY)], [worse], f"the exception of Ada (a cheaper model) ended on {YESTERDAY}"),
}  # fmt: skip

MUST_PASS: dict[str, tuple[list[Change], list[Change], str]] = {
    "predictions that another machine rounds otherwise": ([], [predictions("p * (1 + 1e-13)")], r"Rounded differently: dvc.lock names data/predictions/test.parquet \w{9}, recomputing gives \w{9}: the same within"),
    "improvement": ([], [BETTER, repro], r"^gate: PASS against main \(\w{9}\): 5 metrics within their limits$"),
    "within noise": ([edit(POLICY, "max_drop: 0.02}", "max_drop: 0.0001}")], [WITHIN_NOISE, repro], r"average_precision fell by 0\.\d+ to 0\.\d+; 0.0001 is allowed, but that is within noise \(95% interval of the change -0\.\d+ to \+0\.\d+\)"),
    "accepted": ([exception(TOMORROW)], [worse], rf"log_loss rose by 0\.\d+ .*; the exception of Ada \(a cheaper model\) holds until {TOMORROW}"),
    "another seed": ([edit(POLICY, ", train: quick", ""), COST], [tune("seed: 42", "seed: 43"), repro], r"(?s)Only the seed changed, which makes no model better; with five other seeds: roc_auc 0\.\d{4} to 0\.\d{4}.*training_seconds +[\d.]+ s +[\d.]+ s +[\d.]+ +≤ 99 times the base's +pass\npeak_memory +\d+ MB +\d+ MB +[\d.]+\nmodel_size +\d+ kB +\d+ kB "),
    "more data": ([], [raw(lambda lines: lines[:-40]), repro], r"Data: changed from 7,043 rows × 21 columns \(DVC \w{9}\) to 7,003 rows"),
    "the base's dvc.lock is mended": (
        [edit("dvc.lock", "stages:", "<<<<<<< HEAD\nstages:")],
        [edit("dvc.lock", "<<<<<<< HEAD\n", "")],
        r"^- The base cannot be read: dvc\.lock of the base: line 2 is a conflict marker of git's",
    ),
    "the base's policy is mended": (
        [edit(POLICY, "max_drop: 0.01}", "max_drop: -0.01}")],
        [edit(POLICY, "max_drop: -0.01}", "max_drop: 0.01}")],
        r"^- The base cannot be read: gates\.yaml of the base: metrics\.metrics/test\.json\.roc_auc\.max_drop is -0\.01",
    ),
}  # fmt: skip


def on_a_branch(project: BakedProject, folder: Path, base: list[Change], branch: list[Change]) -> BakedProject:
    """A copy in which main and a branch off it have each been changed and committed; the branch is checked out."""
    project = copied(project, folder)
    for name, changes in (("main", base), ("branch", branch)):
        if name != "main":
            project.run(f"git switch --quiet --create {name}")
        for change in changes:
            change(project)
        if project.run("git status --porcelain").stdout:
            project.commit(f"On {name}")
    return project


def gate(project: BakedProject, base: str = "main", options: str = "") -> tuple[int, str]:
    """Return the exit code and what was printed, after holding that Markdown and JSON say the same."""
    command = f"telco-churn gate --base '{base}' --report reports/gate.md --json reports/gate.json {options}"
    done = project.run(command, check=False, PYTHONPATH="src")
    content = project.read("reports/gate.json")
    assert content["verdict"] == {0: "pass", 1: "fail", 2: "undecided"}[done.returncode], done.stdout + done.stderr
    assert project.text("reports/gate.md").startswith({0: "### ✅", 1: "### ❌", 2: "### ⚠️"}[done.returncode])
    assert "Traceback" not in done.stderr
    assert project.run("git worktree list").stdout.count("\n") == 1
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("before", "branch", "says"), MUST_FAIL.values(), ids=MUST_FAIL)
def test_must_fail(
    base: BakedProject, tmp_path: Path, before: list[Change], branch: list[Change], says: str | list[str]
) -> None:
    project = on_a_branch(base, tmp_path, before, branch)
    tree = project.run("git status --porcelain").stdout

    code, output = gate(project)

    assert code == 1, output
    assert output.startswith("gate: FAIL against main (")
    for reason in [says] if isinstance(says, str) else says:
        assert re.search(reason, output) or reason in output, output
    assert project.run("git status --porcelain").stdout == tree


@pytest.mark.parametrize(("before", "branch", "says"), MUST_PASS.values(), ids=MUST_PASS)
def test_must_pass(base: BakedProject, tmp_path: Path, before: list[Change], branch: list[Change], says: str) -> None:
    project = on_a_branch(base, tmp_path, before, branch)

    code, output = gate(project)

    assert code == 0, output
    assert re.search(says, output, flags=re.MULTILINE), output


def test_values_that_are_no_finite_numbers_fail_one_by_one(base: BakedProject, tmp_path: Path) -> None:
    values = '{"roc_auc": None, "average_precision": float("nan"), "log_loss": float("inf"), "brier": "0.1"}'
    project = on_a_branch(base, tmp_path, [], written(f"json.dumps(values | {values})"))

    code, output = gate(project)

    assert code == 1
    assert "roc_auc is missing from metrics/test.json, or null" in output
    assert "average_precision is nan, not a finite number" in output
    assert "log_loss is inf, not a finite number" in output
    assert "brier is '0.1', not a number" in output


UNDECIDED: dict[str, tuple[list[Change], list[Change], str, str]] = {
    "unknown revision": ([], [], "nowhere", "--base nowhere: git knows no such revision here; fetch it"),
    "policy not YAML": ([], [edit(POLICY, "metrics:", "metrics: ]")], "main", "gates.yaml: not valid YAML"),
    "unknown key": ([], [edit(POLICY, "max_drop", "max_dorp")], "main", "gates.yaml: metrics.metrics/test.json.roc_auc.max_dorp is not a parameter (did you mean max_drop?)"),
    "impossible bounds": ([], [edit(POLICY, "{min: 0.80,", "{min: 0.80, max: 0.7,")], "main", "min 0.8 is above max 0.7: no value can pass"),
    "unknown metric": ([], [edit(POLICY, "    roc_auc: {min", "    roc_acu: {min")], "main", "gates.yaml of the branch: metrics/test.json has no metric 'roc_acu', on neither side (did you mean roc_auc?)"),
    "a stage is frozen": ([], [edit("dvc.yaml", "  evaluate:\n", "  evaluate:\n    frozen: true\n"), forge, dvc_commit], "main", "dvc.yaml: stage evaluate has `frozen`, so the gate cannot recompute it"),
    "a stage is a matrix": ([], [edit("dvc.yaml", "  evaluate:\n", "  evaluate:\n    matrix: {side: [test]}\n"), forge], "main", "dvc.yaml: stage evaluate has `matrix`, so the gate cannot recompute it"),
    "metrics behind a link": ([], [lambda p: p.run("git mv metrics elsewhere && ln -s elsewhere metrics") and None], "main", "metrics is a link in the commit: put the file itself there"),
    "a tag that looks like the base": ([lambda p: p.run("git update-ref refs/remotes/origin/main main && git tag origin/main worse") and None], [], "origin/main", "git knows several of this name; write out which one: refs/remotes/origin/main, refs/tags/origin/main"),
    "dvc.lock without stages": ([edit("dvc.lock", "stages:", "vars:")], [], "main", "dvc.lock"),
    "policy removed": ([], [lambda p: p.run("git rm -q gates.yaml") and None], "main", "gates.yaml is missing from the commit"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "branch", "revision", "says"), UNDECIDED.values(), ids=UNDECIDED)
def test_could_not_decide(
    base: BakedProject, tmp_path: Path, before: list[Change], branch: list[Change], revision: str, says: str
) -> None:
    project = on_a_branch(base, tmp_path, before, branch)

    code, output = gate(project, revision)

    assert code == 2, output
    (line,) = output.splitlines()
    assert line.startswith("error: ")
    assert says in line


def test_as_generated_it_recomputes_everything(reproduced: BakedProject, tmp_path: Path) -> None:
    project = on_a_branch(reproduced, tmp_path, [], [NO_RESULT])

    code, output = gate(project)

    assert code == 0
    unchanged = r"gate: PASS: nothing changed: metrics, parameters, data and code are those of main \(\w{9}\)\n"
    assert re.fullmatch(unchanged, output)
    assert project.read(POLICY)["not_recomputed"] == {}


def test_documents_alone_are_not_worth_a_recomputation(base: BakedProject, tmp_path: Path) -> None:
    """That the pipeline fails here shows that it was not run."""
    project = on_a_branch(
        base, tmp_path, [edit("src/lifecycle/pipeline/data.py", '"""', 'raise SystemExit\n"""')], [DOCUMENTS]
    )

    code, output = gate(project)

    assert code == 0, output
    assert "gate: PASS: nothing changed" in output
    assert "- Not recomputed: no file changed but documents that no stage reads" in output


def test_the_first_pull_request_has_no_baseline_and_only_absolute_limits_apply(
    base: BakedProject, tmp_path: Path
) -> None:
    project = on_a_branch(base, tmp_path, [], [])

    code, output = gate(project, "HEAD^^")

    assert code == 0, output
    assert "no baseline: the base has no metrics, so only absolute limits" in output.splitlines()[0]
    assert "Data: 7,043 rows × 21 columns" in output


def test_a_base_without_a_policy_is_judged_by_the_branchs_own(base: BakedProject, tmp_path: Path) -> None:
    def remove(project: BakedProject) -> None:
        project.run("git mv gates.yaml later.yaml")

    def bring_back(project: BakedProject) -> None:
        project.run("git mv later.yaml gates.yaml")

    project = on_a_branch(base, tmp_path, [remove], [bring_back])

    code, output = gate(project)

    assert code == 0, output
    assert "The branch's own gates.yaml was applied: the base has no gates.yaml" in output


@pytest.mark.parametrize(("name", "text"), [("params.yaml", "seed: 43"), (RAW, None)])
def test_what_is_not_committed_is_not_judged_and_fails(
    base: BakedProject, tmp_path: Path, name: str, text: str | None
) -> None:
    project = on_a_branch(base, tmp_path, [], [DOCUMENTS])
    if text:
        project.replace(name, "seed: 42", text)
    else:
        (project.path / name).write_text("\n".join(project.text(name).splitlines()[:-1]) + "\n")
    before = project.hashes("params.yaml", "data/raw", "dvc.lock", "metrics")

    code, output = gate(project)

    assert code == 1
    assert f"the working tree differs from the commit that is checked: {name}" in output
    assert project.hashes("params.yaml", "data/raw", "dvc.lock", "metrics") == before


def test_results_that_another_machine_rounds_otherwise_are_no_change(base: BakedProject, tmp_path: Path) -> None:
    """Committed on one machine, reproduced on another before the gate, as in a pull request's job."""
    rounded = edit("metrics/test.json", '"log_loss": 0.4208', '"log_loss": 0.42081')
    project = on_a_branch(base, tmp_path, [], [rounded, dvc_commit])
    project.run("git checkout --quiet main -- metrics dvc.lock && git reset --quiet")
    assert project.run("git status --porcelain").stdout == " M dvc.lock\n M metrics/test.json\n"

    code, output = gate(project)

    assert code == 0, output


def test_results_left_from_another_branch_do_not_matter(base: BakedProject, tmp_path: Path) -> None:
    project = on_a_branch(base, tmp_path, [], [NO_RESULT])
    project.run("git switch --quiet worse && dvc checkout --quiet && git switch --quiet branch")
    assert "modified" in project.run("dvc data status").stdout

    code, output = gate(project)

    assert code == 0, output


def test_a_run_of_track_alone_is_no_change(reproduced: BakedProject, tmp_path: Path) -> None:
    project = on_a_branch(reproduced, tmp_path, [], [NO_RESULT])
    project.replace("dvc.lock", "  track:\n    cmd: PYTHONPATH=src", "  track:\n    cmd:  PYTHONPATH=src -B")
    assert project.run("git status --porcelain").stdout == " M dvc.lock\n"

    code, output = gate(project)

    assert code == 0, output


def lost(project: BakedProject) -> None:
    """Damage the file of the base's test predictions in DVC's cache."""
    lock = project.run("git show main:dvc.lock").stdout
    md5 = re.search(r"path: data/predictions/test.parquet\s+hash: md5\s+md5: (\w+)", lock)[1]  # type: ignore[index]
    cached = project.path / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    cached.chmod(0o644)
    cached.write_bytes(b"not what dvc.lock says")


def test_predictions_of_the_base_that_nobody_has_are_computed_again(base: BakedProject, tmp_path: Path) -> None:
    project = on_a_branch(base, tmp_path, [], [worse])
    lost(project)

    code, output = gate(project)

    assert code == 1
    assert "Rule: paired bootstrap on 1,384 test rows of both sides" in output


def test_without_the_bases_predictions_the_plain_rule_decides_and_says_so(base: BakedProject, tmp_path: Path) -> None:
    """Its pipeline does not run any more, and other data might have other test rows."""
    broken = edit("dvc.yaml", "python -m lifecycle.pipeline.evaluate", "python -m lifecycle.pipeline.evaluated")
    mended = edit("dvc.yaml", "python -m lifecycle.pipeline.evaluated", "python -m lifecycle.pipeline.evaluate")
    lock = [
        edit("dvc.lock", *pair)
        for pair in (("pipeline.evaluate\n", "pipeline.evaluated\n"), ("pipeline.evaluated\n", "pipeline.evaluate\n"))
    ]
    less = [raw(lambda lines: lines[:-40]), repro]
    project = on_a_branch(
        base, tmp_path, [broken, lock[0]], [mended, lock[1], tune("max_iter: 150", "max_iter: 40"), *less]
    )
    lost(project)

    code, output = gate(project)

    assert code == 1
    assert "0.01 is allowed (plain rule: no paired predictions of both sides)" in output
    assert (
        "because the base's predictions are neither in DVC's cache nor its remote, and its pipeline does not run here"
        in output
    )
    assert "the dataset has changed, and nobody can tell its test rows from the base's" in output


def test_predictions_that_only_the_remote_has_are_fetched(base: BakedProject, tmp_path: Path) -> None:
    project = on_a_branch(base, tmp_path, [lambda p: p.run("dvc push --quiet") and None], [worse])
    project.run("dvc gc --quiet --workspace --force")

    code, output = gate(project)

    assert code == 1
    assert "Rule: paired bootstrap on 1,384 test rows of both sides" in output


def test_the_verdict_and_what_was_accepted_are_recorded_on_the_run(base: BakedProject, tmp_path: Path) -> None:
    project = on_a_branch(base, tmp_path, [exception(TOMORROW)], [worse, lambda p: p.run("dvc repro track") and None])

    code, output = gate(project, options="--record")

    assert code == 0, output
    (run,) = re.findall(r"gate: recorded on run (\w+) in MLflow at sqlite:///", output)
    script = (
        "import json, mlflow, sys; mlflow.set_tracking_uri('sqlite:///mlflow.db');"
        f"print(json.dumps(mlflow.get_run('{run}').data.tags))"
    )
    tags = json.loads(project.run(f'python -c "{script}"').stdout)
    assert tags["gate.verdict"] == "pass"
    assert (
        tags["gate.dvc.lock.sha256"] == tags["dvc.lock.sha256"] == project.read("reports/gate.json")["branch"]["lock"]
    )
    assert tags["gate.commit"] == project.run("git rev-parse HEAD").stdout.strip()
    assert tags["gate.base"] == project.run("git rev-parse main").stdout.strip()
    (accepted,) = [why for why in json.loads(tags["gate.accepted"]) if why.startswith("log_loss")]
    assert f"the exception of Ada (a cheaper model) holds until {TOMORROW}" in accepted

    forge(project)
    assert (
        "gate: not recorded: the committed results are not the pipeline's (uncommitted)"
        in gate(project, options="--record")[1]
    )
    assert json.loads(project.run(f'python -c "{script}"').stdout) == tags


def test_a_store_that_does_not_answer_changes_no_verdict(base: BakedProject, tmp_path: Path) -> None:
    project = on_a_branch(base, tmp_path, [], [worse])

    done = project.run(
        "telco-churn gate --base main --record",
        check=False,
        PYTHONPATH="src",
        MLFLOW_TRACKING_URI="http://127.0.0.1:9",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    )

    assert done.returncode == 1
    assert "gate: the verdict stands, but is not recorded: MLflow at http://127.0.0.1:9" in done.stderr


def test_a_branch_that_is_behind_and_changes_the_policy_is_told_so(base: BakedProject, tmp_path: Path) -> None:
    fairness = "fairness: {min_rows: 100, columns: {senior_citizen: {accuracy: {max_difference: 0.01}}}}"
    policy = [
        edit(POLICY, "max_drop: 0.01}", "max_drop: 0.02}"),
        edit(POLICY, "exceptions:", f"{fairness}\nexceptions:"),
    ]
    project = on_a_branch(base, tmp_path, [], policy)
    project.run(
        "git switch --quiet main && git commit --quiet --allow-empty --message More && git switch --quiet branch"
    )

    code, output = gate(project)

    assert code == 0
    assert "This branch is 1 commit behind its base: merge the base first" in output
    assert (
        "This branch changes 1 file that affects how the model is judged; review it with care:\n- gates.yaml: the limits\n"
        in output
    )
    assert "Under this branch's own gates.yaml it would FAIL: accuracy by senior_citizen: difference is 0." in output
    assert "+    roc_auc: {min: 0.80, max_drop: 0.02}" in project.text("reports/gate.md")


def test_it_works_from_a_git_hook_with_dvcs_own_hooks_and_after_a_gate_was_killed(
    base: BakedProject, tmp_path: Path
) -> None:
    project = on_a_branch(base, tmp_path, [], [DOCUMENTS])
    project.run(f"git worktree add --quiet {tmp_path / 'other'} main && mv {tmp_path / 'other'} {tmp_path / 'away'}")
    project.run("dvc install")
    (project.path / ".dvc/tmp/gate").mkdir(parents=True)
    (project.path / ".dvc/tmp/gate/left").write_text("by an unlucky kill")
    project.run("timeout --signal=KILL 3 telco-churn gate --base main", check=False, PYTHONPATH="src")
    hook = project.path / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\nexec telco-churn gate --base main\n")
    hook.chmod(0o755)
    project.run(f"git init --quiet --bare {tmp_path / 'origin.git'} && git remote add origin {tmp_path / 'origin.git'}")

    pushed = project.run("git push origin branch", PYTHONPATH="src")

    assert "gate: PASS: nothing changed" in pushed.stdout
    project.run(f"mv {tmp_path / 'away'} {tmp_path / 'other'} && git -C {tmp_path / 'other'} status")  # not pruned
    assert project.run("git status --porcelain").stdout == ""
