"""The user's metrics in the gate: what is judged is measured by the functions of the base, of both sides alike.

A branch that edits metrics.py is judged by what the base's metrics.py says of its predictions; its own counts from the next
pull request on. Only metrics that the base does not have are the branch's own, and so are figures that predictions alone do
not give: those of baselines and of weak slices.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.core import config, metrics
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml, read_parquet
from lifecycle.core.git import files_at, text_at
from lifecycle.core.home import ROOT
from lifecycle.core.metric_process import MetricProcess
from lifecycle.core.own_metrics import OwnMetrics, declared, source_of
from lifecycle.gate.baseline_rules import FILE
from lifecycle.gate.check_result import NOT_JUDGED, CheckResult, figure_of, finite_or_none
from lifecycle.gate.paired_bootstrap import PairedComparison
from lifecycle.gate.policy import Policy
from lifecycle.gate.rules import SliceFigures


@dataclass
class Remeasured:
    """What the base's functions gave in the place of the branch's."""

    own_figures: dict[str, Any] = field(default_factory=dict)
    """The figures that the branch's own functions give of its test rows."""
    notes: list[str] = field(default_factory=list)
    """A line for each metric that the two measure differently."""


def declared_at(commit: str) -> OwnMetrics:
    """Return the metrics that a commit declares; none if they cannot be read, which its pipeline refuses."""
    with suppress(ConfigError):
        path = source_of(_package(commit))
        return declared(text_at(commit, path, ROOT) or "", str(path))
    return {}


def declared_by(base: str, head: str) -> OwnMetrics:
    """Return the metrics of both sides. Which direction is better, the base decides."""
    return declared_at(head) | declared_at(base)


@contextmanager
def base_metrics(base: str, comparable: bool) -> Iterator[MetricProcess]:
    """Start the metrics of a commit, with the user's package as it is there; none, if nothing is comparable with it."""
    own = declared_at(base) if comparable else {}
    package = _package(base) if own else ""
    with tempfile.TemporaryDirectory(prefix="metrics-") as folder:
        for name, content in files_at(base, f"src/{package}", folder=ROOT).items() if own else ():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_bytes(content)
        with MetricProcess(package, own, Path(folder) / "src") as process:
            yield process


def remeasure(
    process: MetricProcess, folder: Path, figures: dict[str, Any], slices: SliceFigures, tolerance: float
) -> Remeasured:
    """Put what the base's functions give into the figures and slices of the branch.

    A metric that the branch no longer has stays missing.

    Args:
        process: the base's metrics.
        folder: a checkout of the branch with its results.
        figures: the metrics of the test rows of both sides; their `new` changes.
        slices: those of the branch, which change.
        tolerance: how far two figures may differ and still be the same.
    """
    result = Remeasured()
    if not process.own:
        return result
    params = config.load(folder / config.PARAMS)
    predictions = read_parquet(folder / config.PREDICTIONS).reset_index(drop=True)
    test = read_parquet(folder / config.FEATURES / "test.parquet").reset_index(drop=True)
    values = metrics.point(process.measure(predictions[params.data.target], predictions, params), len(predictions))
    for name in process.own:
        figure = figures.get(name, {})
        if (of_branch := finite_or_none(figure.get("new"))) is None:
            continue
        result.own_figures[name], figure["new"] = of_branch, values.get(name)
        if not _same(of_branch, values.get(name), tolerance):
            result.notes.append(
                f"{name} is measured by the base's {source_of(params.package)}, not by this branch's, which gives {of_branch:.4f} and "
                "counts from the next pull request on; baselines and weak slices are measured by this branch's"
            )
    for column in params.evaluate.slices:
        for value, rows in test.groupby(column, observed=True):
            measure = process.measure(
                predictions.loc[rows.index, params.data.target], predictions.loc[rows.index], params
            )
            of_slice, points = slices.get(column, {}).get(str(value), {}), metrics.point(measure, len(rows))
            for name in of_slice.keys() & process.own.keys():
                of_slice[name] = points.get(name)
    return result


def without_limit(
    policy: Policy, own: OwnMetrics, figures: dict[str, Any], paired: PairedComparison
) -> list[CheckResult]:
    """Return a row of the report for each metric of the user's that the policy does not limit."""
    results = []
    for name, figure in figures.items():
        if name not in own or name in policy.metrics.get(FILE, {}):
            continue
        before, after, change = finite_or_none(figure.get("old")), figure.get("new"), paired.changes.get(name, {})
        interval = {key: change.get(key) for key in ("change", "low", "high")}
        results.append(CheckResult(name, before, figure_of(after), "", NOT_JUDGED, "", **interval))
    return results


def _package(commit: str) -> str:
    """The user's package at a commit. Raises ConfigError if its params.yaml does not name one."""
    content: Any = parse_yaml(text_at(commit, config.PARAMS) or "{}", str(config.PARAMS))
    package = content.get("package") if isinstance(content, dict) else None
    if not isinstance(package, str) or not package.isidentifier():
        raise ConfigError(f"{config.PARAMS}: package is missing")
    return package


def _same(first: float, second: float | None, tolerance: float) -> bool:
    return second is not None and abs(first - second) <= tolerance * max(1.0, abs(second))
