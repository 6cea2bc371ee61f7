"""The commit that retraining makes: the dataset with its new rows, and all that the pipeline makes of it."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from << cookiecutter.package >> import config, contract, metrics
from << cookiecutter.package >>.config import Params
from << cookiecutter.package >>.errors import ConfigError, DataError
from << cookiecutter.package >>.files import parse_yaml, read_parquet, read_yaml, write_text
from << cookiecutter.package >>.monitoring import merge, raw_file
from << cookiecutter.package >>.monitoring.labelled import Labelled
from << cookiecutter.package >>.monitoring.worktree import NO_HOOKS, inside
from << cookiecutter.package >>.release.checkout import complaint
from << cookiecutter.package >>.release.revisions import dvc, environment, git
from << cookiecutter.package >>.stages.data import read_raw

TRAILER = "Retrained-from"
MIN_ROWS = 30  # of the new test rows, below which a metric of them says nothing


@dataclass
class Candidate:
    """A dataset that has learned something, and the model that follows from it."""

    new: merge.New
    md5: str
    params: Params
    before: dict[str, float] = field(default_factory=dict)
    """The test metrics of the base."""
    after: dict[str, float] = field(default_factory=dict)
    """Those of the branch."""
    fresh: dict[str, Any] = field(default_factory=dict)
    """`rows`: new test rows; `answered`, `retrained`: metrics of what was answered to them, and of the new model."""

    @property
    def span(self) -> str:
        """The days from which the new rows are."""
        days = sorted({f"{row.answered:%Y-%m-%d}" for row in self.new.rows})
        return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def add_rows(folder: Path, rows: list[Labelled], min_rows: int) -> Candidate | merge.New:
    """Add labelled rows to the dataset of a worktree, if they are enough; if not, say what was found.

    Raises:
        ConfigError: the dataset is not tracked by a .dvc file of its own.
        DataError: it cannot be fetched, or with the new rows it breaks the contract as a whole.
    """
    params = config.load(folder / config.PARAMS)
    schema = contract.load(folder / config.CONTRACT)
    raw, beside = folder / params.data.raw, folder / sources_file(params.data.raw)
    tracked = [
        file for file in (pointer(params.data.raw), pointer(sources_file(params.data.raw))) if (folder / file).exists()
    ]
    if pointer(params.data.raw) not in tracked:
        raise ConfigError(f"{params.data.raw} has no .dvc file of its own in git: `dvc add {params.data.raw}` makes it")
    done = dvc("pull", "--quiet", *map(str, tracked), folder=folder)
    if done.returncode or not raw.exists():
        raise DataError(f"{params.data.raw} cannot be fetched: {complaint(done)}")
    dataset = read_raw(raw, schema)
    columns = read_yaml(folder / config.CONTRACT)["columns"]
    new = merge.select(rows, dataset, schema, {str(name): columns[name] for name in dataset}, params)
    if len(new.records) < min_rows:
        return new
    raw_file.append(new.frame, new.records, raw)
    failed = [
        check for check in contract.validate(read_raw(raw, schema), schema, params.data.id) if not check["passed"]
    ]
    if failed:
        raise DataError(
            f"with the {len(new.records):,} new rows {params.data.raw} breaks the contract: {contract.describe(failed)}; "
            f"if that is how the world is now, change {config.CONTRACT} by a pull request first"
        )
    where = merge.sources(new, params.data.id)
    where = pd.concat([pd.read_csv(beside, dtype=str), where.astype(str)]) if beside.exists() else where
    write_text(where.to_csv(index=False), beside)
    return Candidate(new, _track(folder, params.data.raw), params)


def pointer(path: Path) -> Path:
    """Return the .dvc file of a path."""
    return Path(f"{path}.dvc")


def sources_file(raw: Path) -> Path:
    """Return where it is kept from where the rows of the dataset came that were added to it."""
    return raw.with_name(f"{raw.name.partition('.')[0]}.sources.csv")


def reproduce(folder: Path, candidate: Candidate) -> None:
    """Run the pipeline on the new dataset. Raises DataError with its complaint if it fails."""
    test = config.METRICS / "test.json"
    candidate.before = _metrics(folder / test)
    command = [sys.executable, "-P", "-m", "dvc", "repro", "--pull"]
    done = subprocess.run(command, cwd=folder, env=inside(folder), capture_output=True, text=True)
    if done.returncode:
        raise DataError(f"the pipeline fails on the new dataset: {complaint(done)}")
    candidate.after = _metrics(folder / test)
    candidate.fresh = on_new_rows(candidate, read_parquet(folder / config.PREDICTIONS))


def push_embedded(folder: Path, candidate: Candidate) -> None:
    """Push the dataset if its remote is a folder of the repo itself: then it is a part of the commit."""
    raw = candidate.params.data.raw
    remote = read_yaml(folder / pointer(raw))["outs"][0].get("remote")
    lines = dvc("remote", "list", folder=folder).stdout.splitlines()
    if remote and any(line.split()[0] == remote and str(folder.resolve()) in line for line in lines):
        files = [str(pointer(raw)), str(pointer(sources_file(raw)))]
        done = dvc("push", "--quiet", *files, folder=folder)
        if done.returncode:
            raise DataError(f"dvc push: {complaint(done)}")


def on_new_rows(candidate: Candidate, predictions: pd.DataFrame) -> dict[str, Any]:
    """Return how good the answers were that the log has for the new test rows, and how good the new model is on them.

    Neither model was trained on them. Nothing, where they are too few to say.
    """
    params, key = candidate.params, candidate.params.data.id
    table = predictions.set_index(predictions[key].astype(str))
    rows = {str(record[key]): row for record, row in zip(candidate.new.records, candidate.new.rows, strict=True)}
    ids = [name for name in rows if name in table.index]
    if len(ids) < MIN_ROWS:
        return {}
    ours = table.loc[ids]
    answers = [rows[name].answer for name in ids]
    flat = [
        answer | {f"probability_{name}": value for name, value in answer.get("probabilities", {}).items()}
        for answer in answers
    ]
    theirs = pd.DataFrame(flat, index=ours.index).drop(columns="probabilities", errors="ignore")
    actual = ours[params.data.target]
    measured = [metrics.point(metrics.measure(actual, side, params), len(ids)) for side in (theirs, ours)]
    return {"rows": len(ids), "answered": measured[0], "retrained": measured[1]}


def commit(folder: Path, candidate: Candidate, reason: str, base: str) -> str:
    """Commit all that is new in a worktree and return the commit's hash."""
    message = f"{subject(candidate)}\n\n{body(candidate, reason)}\n\n{TRAILER}: {base}\n"
    git("add", "--all", folder=folder)
    done = subprocess.run(
        ["git", *NO_HOOKS, "commit", "--quiet", "--no-verify", "--cleanup=whitespace", "--file=-"],
        cwd=folder,
        env=environment(),
        input=message,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ConfigError(f"git commit: {done.stderr.strip()}")
    return git("rev-parse", "HEAD", folder=folder).strip()


def subject(candidate: Candidate) -> str:
    return f"Retrain with {len(candidate.new.records):,} newly labelled rows, {candidate.span}"


def body(candidate: Candidate, reason: str) -> str:
    """Why, and what changed, in lines."""
    return "\n".join([f"Why: {reason or 'newly labelled rows'}", *account(candidate.new), *figures(candidate)])


def figures(candidate: Candidate) -> list[str]:
    """The metrics before and after, in lines."""
    lines, fresh = [f"Test rows of each: {_changes(candidate.before, candidate.after)}"], candidate.fresh
    if fresh:
        changes = _changes(fresh["answered"], fresh["retrained"])
        lines.append(f"The {fresh['rows']:,} new test rows, as they were answered and retrained: {changes}")
    return lines


def _changes(before: dict[str, float], after: dict[str, float]) -> str:
    return ", ".join(f"{name} {before.get(name, float('nan')):.4f} → {value:.4f}" for name, value in after.items())


def account(new: merge.New) -> list[str]:
    """What has become of the labelled rows, in lines."""
    lines = [f"{len(new.records):,} rows are new; {new.known:,} more are in the dataset already"]
    lines += [f"{new.repeated:,} were answered again later, and that counts"] if new.repeated else []
    if new.aside:
        lines.append(f"{new.aside.total():,} break the contract and are set aside:")
        lines += [f"  {count:,}: {why}" for why, count in new.aside.most_common(10)]
        lines += ["  and others"] if len(new.aside) > 10 else []
    return lines


def _track(folder: Path, raw: Path) -> str:
    """Put the dataset, and the file beside it, under DVC's control; in the same remote. Returns the dataset's hash."""
    added = [str(raw), str(sources_file(raw))]
    done = dvc("add", "--quiet", *added, folder=folder)
    if done.returncode:
        raise DataError(f"dvc add: {complaint(done)}")
    main = read_yaml(folder / pointer(raw))["outs"][0]
    side = folder / pointer(sources_file(raw))
    if "remote" in main and "remote:" not in side.read_text():
        write_text(side.read_text().rstrip("\n") + f"\n  remote: {main['remote']}\n", side)
    return main["md5"]


def _metrics(path: Path) -> dict[str, float]:
    return json.loads(path.read_text()) if path.exists() else {}


def md5_at(text: str | None) -> str | None:
    """Return the hash that the text of a .dvc file has, if it has one."""
    outs = parse_yaml(text or "{}", "a .dvc file").get("outs") or [{}]
    return outs[0].get("md5")
