"""Make the repo about a table: decide, write, train, propose limits, commit.

All of it happens in a worktree. The user's branch moves to the commit at the end, in one step; before that nothing of the repo
has changed, however the run ends.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet

from lifecycle.adopt import params_file, repo_files, splits
from lifecycle.adopt.plan import Options, Plan, decide
from lifecycle.adopt.raw_file import table_files
from lifecycle.core import config
from lifecycle.core.dvc import dvc, failure_line
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import write_text
from lifecycle.core.git import NO_HOOKS, changed_files, git, identity
from lifecycle.core.home import NAME, ROOT, TEMPORARY
from lifecycle.core.model_folders import TOP, folder_of, names_here, title
from lifecycle.core.tables import figure, text_table
from lifecycle.core.worktree import inside, worktree

WORKTREE = TEMPORARY / "adopt"
COPIES = 3  # of the file: in the worktree, in DVC's cache, in the repo
Report = Callable[[str], None]


def adopt(path: Path, options: Options, description: str | None, report: Report) -> str:
    """Make the repo about a table, and commit it with its first model. Returns the commit.

    Raises ConfigError for a wrong option, uncommitted changes or too little disk; DataError if nothing can be learned from the
    table. The repo is then as it was.
    """
    before = config.load()
    if changed := changed_files("HEAD", folder=ROOT):
        raise ConfigError(
            f"uncommitted changes in {', '.join(changed[:5])}: commit or stash them first, so that nothing is lost"
        )
    _check_package(before.package)
    _check_disk(path)
    plan = decide(path, options, before.seed)
    for topic, decision in plan.decisions:
        report(f"  {topic:<9} {decision}")
    raw = Path("data/raw", path.name)
    _check_place(path, raw)
    old = before.data.raw
    own = ".." not in old.parts  # a further model starts with the table at the top
    old_is_cached = own and old != raw and dvc("status", "--quiet", f"{old}.dvc").returncode == 0
    head = git("rev-parse", "HEAD").strip()
    with worktree(head, WORKTREE) as folder:
        report("writing the files, and running the pipeline: the first model ...")
        was_sample = own and repo_files.drop_old_table(folder, before, raw)
        _bring(path, folder / raw)
        _run(folder, "dvc", "add", "--quiet", str(raw))
        default = f"Predict {plan.target.name}" if was_sample else None
        repo_files.write(folder, plan, before, raw, description or default)
        _reproduce(folder, plan)
        report("proposing limits from what this model reaches ...")
        _run(folder, "lifecycle.cli", "gate", "propose", show=report)
        commit = _commit(folder, f"Adopt {raw.name}: predict {plan.target.name}")
    _move_to(commit)
    if old_is_cached:  # a file that was changed stays where it is
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    return commit


def ladder() -> str:
    """Return the test metrics of the trivial, the linear and the trained model as a table for a terminal."""
    files = {**config.BASELINES, "this model": config.METRICS / "test.json"}
    models = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in files.items()}
    test = models["this model"]
    rows = [
        [name, *(figure(figures[metric]) if metric in figures else "" for metric in test)]
        for name, figures in models.items()
    ]
    return text_table(["on test rows", *test], rows)


def linear_is_better() -> str:
    """Return a line if the plain linear model predicts the test rows better than the trained one, or nothing."""
    task = config.load().task
    loss, estimator = ("rmse", "Ridge") if task == "regression" else ("log_loss", "LogisticRegression")
    paths = (config.BASELINES["linear"], config.METRICS / "test.json")
    linear, trained = (json.loads(path.read_text(encoding="utf-8")).get(loss) for path in paths)
    if linear is None or trained is None or linear >= trained:
        return ""
    return (
        f"the linear model has a lower {loss}: try `train.estimator: sklearn.linear_model.{estimator}` in params.yaml"
    )


def _check_package(package: str) -> None:
    """Raise ConfigError if another model runs the user's package that would be written anew for this table."""
    names = [name for name in (TOP, *names_here(ROOT)) if name != NAME]
    others = [name for name in names if config.load(ROOT / folder_of(name) / config.PARAMS).package == package]
    if NAME and others:
        raise ConfigError(
            f"src/{package} has the features of another model's table ({title(others[0])}): give this model a package of its own, "
            f"a copy of it as `package` in {folder_of(NAME)}/{config.PARAMS}, or made by `model add NAME --package PACKAGE`"
        )


def _check_disk(path: Path) -> None:
    needed = COPIES * sum(file.stat().st_size for file in table_files(path) if file.exists())
    free = shutil.disk_usage(Path()).free
    if needed > free:
        raise ConfigError(
            f"{path}: {needed / 1e9:,.1f} GB are needed here for it and its copies in DVC, and {free / 1e9:,.1f} GB are free"
        )


def _check_place(path: Path, raw: Path) -> None:
    """Raise ConfigError if another file, which DVC does not keep, is where the table goes."""
    if not raw.exists() or raw.samefile(path):
        return
    pointer = Path(f"{raw}.dvc")
    if not pointer.exists() or dvc("status", "--quiet", str(pointer)).returncode:
        raise ConfigError(f"{raw} is another file, and DVC has no copy of it: `dvc add {raw}`, or move it away")


def _bring(path: Path, target: Path) -> None:
    """Copy a file, or the Parquet files of a folder."""
    (target if path.is_dir() else target.parent).mkdir(parents=True, exist_ok=True)
    for file in table_files(path):
        shutil.copyfile(file, target / file.name if path.is_dir() else target)


def _reproduce(folder: Path, plan: Plan) -> None:
    """Run the pipeline: first until the dataset, by which the salt of the split is chosen."""
    _run(folder, "dvc", "repro", "--quiet", "validate")
    params = config.load(folder / config.PARAMS)
    if splits.needs_salt(params, plan.file.rows):
        names = {params.data.id, params.data.target, params.split.group or params.data.id}
        dataset = pyarrow.parquet.ParquetFile(folder / config.DATASET).read(columns=sorted(names)).to_pandas()
        salt = splits.choose_salt(dataset, params)
        path = folder / config.PARAMS
        write_text(params_file.set_salt(path.read_text(encoding="utf-8"), salt), path)
    _run(folder, "dvc", "repro", "--quiet")


def _run(folder: Path, module: str, *arguments: str, show: Report | None = None) -> None:
    """Run a command in the worktree, with its code. Raises DataError with the line in which it gives its reason."""
    command = [sys.executable, "-P", "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=inside(folder) | {"DVC_NO_ANALYTICS": "1"}, capture_output=True, text=True
    )
    if done.returncode:
        raise DataError(f"{failure_line(done)} (nothing has changed in the repo)")
    if show:
        for line in done.stdout.splitlines():
            if not line.startswith("wrote "):  # what is left to do then, `adopt` does
                show(line)


def _commit(folder: Path, message: str) -> str:
    """Commit everything in the worktree as the user, or, if git does not know who that is, as the author of the last commit."""
    git("add", "--all", folder=folder)
    git(*NO_HOOKS, *identity(folder), "commit", "--quiet", "--no-gpg-sign", "--message", message, folder=folder)
    return git("rev-parse", "HEAD", folder=folder).strip()


def _move_to(commit: str) -> None:
    """Move the user's branch to the commit, and bring the data that belongs to it."""
    git(*NO_HOOKS, "merge", "--quiet", "--ff-only", commit)
    done = dvc("checkout", "--quiet")
    if done.returncode:
        reason = f"the repo is at {commit[:9]}, but its data is not checked out: {failure_line(done)}"
        raise ConfigError(f"{reason}; run `dvc checkout`")
