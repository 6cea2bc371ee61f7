"""The gate: may the last commit be merged into its base?

Everything is recomputed in a clean checkout, compared with the base through `dvc metrics diff` and checked against the
base's gates.yaml. Where the base predicts something else, or nothing, the branch's own limits count: applied_policy.py.
The result is plain data; report.py words it for people.
"""

import datetime
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

from lifecycle.core import config, version_code
from lifecycle.core.files import file_hash, read_yaml
from lifecycle.core.git import commit_of, git, text_at
from lifecycle.gate.accepted_regressions import unused_exceptions
from lifecycle.gate.applied_policy import AppliedPolicy, applied_policy, with_other_rows
from lifecycle.gate.base_commit import choose_base
from lifecycle.gate.base_predictions import base_predictions
from lifecycle.gate.baseline_rules import check_baselines, finite_figures
from lifecycle.gate.check_result import FAIL, CheckResult
from lifecycle.gate.commit_files import brought, not_regular, refused
from lifecycle.gate.commit_metadata import (
    both_retrained,
    dataset,
    files_affecting_verdict,
    json_mapping,
    lock_hash_of,
    slices_of,
)
from lifecycle.gate.committed_output import believed_results, output_at
from lifecycle.gate.dvc_diffs import figures_of_base, metrics_diff, of_branch_alone, params_diff
from lifecycle.gate.group_checks import GroupChecks, check_groups
from lifecycle.gate.paired_bootstrap import PairedComparison, compare
from lifecycle.gate.plot_overlay import overlay
from lifecycle.gate.policy import Policy
from lifecycle.gate.readable_files import refuse_huge_metrics, refuse_unreadable
from lifecycle.gate.reasons import listed, reason, reasons_of_rerun
from lifecycle.gate.recompute import Recomputed, clean_checkout, recompute
from lifecycle.gate.rules import check_metrics, check_slices, refuse_unknown_metrics
from lifecycle.gate.seed_spread import only_seed, spread_in
from lifecycle.gate.staleness import uncommitted
from lifecycle.gate.unusual_code import unusual_changes

TEST = str(config.METRICS / "test.json")


def gate(revision: str | None, today: datetime.date) -> dict[str, Any]:
    """Return the verdict on the last commit, with everything it is based on.

    `revision` is the base; None chooses it: see base_commit.py.

    Raises ConfigError if there is no verdict: an unknown revision, or a policy that cannot be read or met.
    """
    head = commit_of("HEAD")  # once: it may move while this runs
    chosen = choose_base(revision, head)
    base = chosen.commit
    refuse_unreadable(head)
    applied = applied_policy(base, head, today)
    believed = applied.policy.not_recomputed
    with clean_checkout(head) as folder, ThreadPoolExecutor(1) as executor:
        pending = executor.submit(
            lambda: (
                params_diff(base, head) if not applied.broken else {},
                uncommitted(head, applied.policy.tolerance),
                base_predictions(base) if not applied.exchanged else None,
            )
        )
        rerun = recompute(folder, believed, applied.policy.tolerance)
        params, dirty, predictions = pending.result()
        refuse_huge_metrics(folder)
        comparable = not applied.exchanged
        figures = metrics_diff(base if comparable else head, folder)
        paired = _paired(base, predictions, folder, rerun, applied, figures.get(TEST, {}))
        if paired.other_rows:
            applied, comparable = with_other_rows(applied, paired.other_rows, today), False
        policy = applied.policy
        if not comparable:
            figures = of_branch_alone(figures)
        of_base = slices_of(text_at(base, config.SLICES)) if comparable else {}
        slices = {"base": of_base, "branch": slices_of(_text(folder / config.SLICES))}
        baselines = {name: json_mapping(_text(folder / path)) for name, path in config.BASELINES.items()}
        owner = "branch" if policy is applied.branch else "base"
        groups = GroupChecks() if rerun.failure else check_groups(policy, slices, folder, owner)
        plots = {} if rerun.failure else overlay(base if comparable else None, folder)
        report = None if rerun.failure else _text(folder / config.VALIDATION_REPORT)
        data = {"base": dataset(text_at(base, config.VALIDATION_REPORT), base), "branch": dataset(report, head)}
        model = output_at(head, config.MODEL) or folder / config.MODEL
        model_hash = file_hash(model) if model.exists() else None
        task = read_yaml(folder / config.PARAMS).get("task", "")
        same_data, code = data["base"]["md5"] == data["branch"]["md5"], version_code.hash_at(head)
        seed = only_seed(params, same_data, not files_affecting_verdict(base, head)) and not rerun.failure
        spread = spread_in(folder) if seed and "train" not in believed else {}

    def check(by: Policy) -> tuple[list[CheckResult], list[CheckResult], list[CheckResult]]:
        if rerun.failure:
            return [], [], []
        refuse_unknown_metrics(by, figures, slices, "branch" if by is applied.branch else "base")
        metrics = check_metrics(by, figures, {TEST: paired}, today)
        model_figures = {name: figure.get("new") for name, figure in figures.get(TEST, {}).items()}
        against_baselines = check_baselines(by, task, model_figures, baselines)
        return metrics, check_slices(by, slices["base"], slices["branch"], today), against_baselines

    metrics, of_slices, against_baselines = check(policy)
    reasons = [reason("refused", line) for line in refused(base, head)]
    reasons += [reason("uncommitted_results", line) for line in not_regular(head, applied.judged_files)]
    reasons += reasons_of_rerun(rerun, dirty)
    reasons += [reason("altered", paired.problem)] if paired.problem else []
    if predictions is None and comparable and not same_data and figures_of_base(figures) and not rerun.failure:
        reasons.append(
            reason(
                "unknown_rows",
                f"the dataset has changed, and nobody can tell its test rows from the base's: {paired.note}",
            )
        )
    if applied.refusal:
        text = f"the branch is not comparable with its base ({listed(applied.exchanged)}), and {applied.refusal}"
        reasons.append(reason("new_problem", text))
    reasons += [reason("limit", result.why) for result in (*metrics, *of_slices) if result.status == FAIL]
    reasons += [reason("baseline", result.why) for result in against_baselines if result.status == FAIL]
    reasons += groups.reasons()
    of_branch = [] if applied.of_branch or not applied.diff else chain(*check(applied.branch))
    return {
        "verdict": "fail" if reasons else "pass",
        "date": str(today),
        "reasons": reasons,
        "base": {
            "revision": chosen.revision,
            "commit": base,
            "note": chosen.note,
            "has_metrics": any(result.base is not None for result in metrics),
        },
        "branch": {
            "commit": head,
            "moved": commit_of("HEAD") != head,
            "behind": int(git("rev-list", "--count", f"{head}..{base}")),
            "both_retrained": both_retrained(base, head),
            "model": model_hash,
            "lock": lock_hash_of(head),
        },
        "code": {"sha256": code, "changed": code is None or code != version_code.hash_at(base)},
        "problem": applied.problem(),
        "metrics": [vars(result) for result in metrics],
        "baselines": {"figures": finite_figures(baselines), "checks": [vars(result) for result in against_baselines]},
        "slices": [vars(result) for result in of_slices],
        **groups.content(),
        "plots": plots,
        "paired_rows": paired.rows,
        "pairing_note": paired.note,
        "params": params,
        "seed": {"only": seed, "spread": spread},
        "data": data,
        "policy": {
            "of": "branch" if applied.of_branch else "base",
            "why": applied.why_branch,
            "change": applied.diff,
            "unused": [] if rerun.failure else unused_exceptions(policy, applied.branch, slices, today),
            "later": [result.why for result in of_branch if result.status == FAIL],
        },
        "files_affecting_verdict": files_affecting_verdict(base, head),
        "review": [*brought(base, head), *unusual_changes(base, head)],
        "recomputed": {"not": believed_results(believed, base, head), "rounded": rerun.rounded},
    }


def _paired(
    base: str,
    predictions: Path | None,
    folder: Path,
    rerun: Recomputed,
    applied: AppliedPolicy,
    figures: dict[str, Any],
) -> PairedComparison:
    if rerun.failure or applied.exchanged:
        note = "the pipeline failed" if rerun.failure else "the base is not comparable"
        return PairedComparison({}, 0, note=note)
    return compare(base, predictions, folder, figures, applied.policy.tolerance)


def _text(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else None
