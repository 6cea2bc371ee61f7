"""What a verdict is based on: the branch's results as they were recomputed, beside those of its base."""

import datetime
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.files import file_hash, read_yaml
from lifecycle.core.git import changed_files, text_at
from lifecycle.core.home import ROOT
from lifecycle.core.metric_process import MetricProcess
from lifecycle.core.own_metrics import OwnMetrics
from lifecycle.gate.applied_policy import AppliedPolicy, applied_policy, with_other_rows
from lifecycle.gate.base_commit import Base
from lifecycle.gate.base_metrics import Remeasured, base_metrics, declared_by, remeasure
from lifecycle.gate.base_predictions import base_predictions
from lifecycle.gate.baseline_rules import strongest
from lifecycle.gate.commit_files import refused
from lifecycle.gate.commit_metadata import dataset, files_affecting_verdict, json_mapping, slices_of
from lifecycle.gate.committed_output import output_at
from lifecycle.gate.cost import costs_of
from lifecycle.gate.cost_rules import Costs
from lifecycle.gate.documents import changes_only_documents
from lifecycle.gate.dvc_diffs import figures_of_base, metrics_diff, of_branch_alone, params_diff
from lifecycle.gate.group_checks import GroupChecks, check_groups
from lifecycle.gate.paired_bootstrap import PairedComparison, compare
from lifecycle.gate.plot_overlay import overlay
from lifecycle.gate.readable_files import refuse_huge_metrics
from lifecycle.gate.recompute import Recomputed, clean_checkout, complete, recompute
from lifecycle.gate.rules import Figures
from lifecycle.gate.seed_spread import only_seed, spread_in
from lifecycle.gate.staleness import uncommitted

TEST = str(config.METRICS / "test.json")
NOTHING_RUN = "it was not run, because of what is refused"


@dataclass
class Evidence:
    base: Base
    head: str
    applied: AppliedPolicy
    refused: list[str]
    """What must not be in the commit, a sentence each: nothing is checked out with it, or run."""
    rerun: Recomputed
    """What recomputing showed; nothing, if only documents changed."""
    only_documents: bool
    """Whether nothing was recomputed, because no file changed that a stage could read."""
    uncommitted: list[str]
    params: dict[str, Any]
    """The parameters that changed: file → name → `old` and `new`."""
    figures: Figures
    """What `dvc metrics diff` says: file → metric → `old` and `new`."""
    paired: PairedComparison
    lost_rows: bool
    """Whether the dataset changed and nobody can tell the base's test rows from the branch's."""
    slices: dict[str, Any]
    """The slices of `base` and `branch`."""
    baselines: dict[str, Any]
    groups: GroupChecks
    costs: Costs
    plots: dict[str, Any]
    data: dict[str, dict[str, Any]]
    """The datasets of `base` and `branch`."""
    model: str | None
    """The SHA-256 of the branch's model file."""
    task: str
    own_metrics: OwnMetrics
    """The user's metrics, of both sides."""
    remeasured: Remeasured
    seed: dict[str, Any] = field(default_factory=dict)
    """Whether `only` the seed changed, and then the `spread` of the metrics over other seeds."""


def gather(base: Base, head: str, today: datetime.date) -> Evidence:
    """Run the branch's pipeline in a clean checkout and compare what it gives with the base.

    Args:
        base: the commit to compare with.
        head: the commit to judge.
        today: the day by which exceptions hold.

    Raises ConfigError if something that the comparison needs cannot be read.
    """
    applied = applied_policy(base.commit, head, today)
    tolerance, believed = applied.policy.tolerance, applied.policy.not_recomputed
    refusals, own_metrics = refused(base.commit, head), declared_by(base.commit, head)
    with (
        clean_checkout(head, data=not refusals) as folder,
        ThreadPoolExecutor(1) as executor,
        base_metrics(base.commit, not applied.exchanged) as own,
    ):
        only_documents = not refusals and changes_only_documents(base.commit, head) and complete(folder, head)
        pending = executor.submit(_beside_the_pipeline, base.commit, head, applied, only_documents)
        if refusals or only_documents:
            rerun = Recomputed(failure=NOTHING_RUN if refusals else "")
        else:
            rerun = recompute(folder, believed, tolerance)
        refuse_huge_metrics(folder)
        comparable = not applied.exchanged
        figures = metrics_diff(base.commit if comparable else head, folder)
        params, dirty, predictions = pending.result()
        paired = _paired(base.commit, predictions, folder, rerun, applied, figures.get(TEST, {}), own)
        if paired.other_rows:
            applied, comparable = with_other_rows(applied, paired.other_rows, today), False
        if not comparable:
            figures = of_branch_alone(figures)
        before = base.commit if comparable else None
        slices_before = slices_of(text_at(before, config.SLICES)) if before else {}
        slices = {"base": slices_before, "branch": slices_of(_text(folder / config.SLICES))}
        remeasured = Remeasured()
        if comparable and not rerun.failure:
            remeasured = remeasure(own, folder, figures.get(TEST, {}), slices["branch"], tolerance)
        owner = "branch" if applied.policy is applied.branch else "base"
        report = None if rerun.failure else _text(folder / config.VALIDATION_REPORT)
        data = {
            "base": dataset(text_at(base.commit, config.VALIDATION_REPORT), base.commit),
            "branch": dataset(report, head),
        }
        baselines = {name: json_mapping(_text(folder / path)) for name, path in config.BASELINES.items()}
        of_base = {name: json_mapping(text_at(base.commit, path)) for name, path in config.BASELINES.items()}
        same_data = data["base"]["md5"] == data["branch"]["md5"]
        model = output_at(head, config.MODEL) or folder / config.MODEL
        same_code = not files_affecting_verdict(base.commit, head) and not changed_files(
            base.commit, head, "--", "src", folder=ROOT
        )
        seed = only_seed(params, same_data, same_code) and not rerun.failure
        return Evidence(
            base=base,
            head=head,
            refused=refusals,
            applied=applied,
            rerun=rerun,
            only_documents=only_documents,
            uncommitted=dirty,
            params=params,
            figures=figures,
            paired=paired,
            lost_rows=predictions is None and comparable and not same_data and figures_of_base(figures),
            slices=slices,
            baselines=strongest(baselines, of_base, own_metrics) if before and same_data else baselines,
            groups=GroupChecks()
            if rerun.failure
            else check_groups(applied.policy, slices, folder, owner, today, own.measure if comparable else None),
            costs=Costs() if rerun.failure else costs_of(applied, base.commit, head, folder, not only_documents),
            plots={} if rerun.failure else overlay(before, folder),
            data=data,
            model=file_hash(model) if model.exists() else None,
            task=read_yaml(folder / config.PARAMS).get("task", ""),
            own_metrics=own_metrics,
            remeasured=remeasured,
            seed={"only": seed, "spread": spread_in(folder) if seed and "train" not in believed else {}},
        )


def _beside_the_pipeline(
    base: str, head: str, applied: AppliedPolicy, only_documents: bool
) -> tuple[dict[str, Any], list[str], Path | None]:
    """What can be asked while the pipeline runs: changed parameters, uncommitted changes, and the base's test predictions."""
    params = {} if applied.broken or only_documents else params_diff(base, head)
    dirty = uncommitted(head, applied.policy.tolerance)
    return params, dirty, base_predictions(base) if not applied.exchanged else None


def _paired(
    base: str,
    predictions: Path | None,
    folder: Path,
    rerun: Recomputed,
    applied: AppliedPolicy,
    figures: dict[str, Any],
    own: MetricProcess,
) -> PairedComparison:
    if rerun.failure or applied.exchanged:
        note = "the pipeline failed" if rerun.failure else "the base is not comparable"
        return PairedComparison({}, 0, note=note)
    return compare(base, predictions, folder, figures, applied.policy.tolerance, own.measure)


def _text(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else None
