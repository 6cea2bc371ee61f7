"""The gate: may the last commit be merged into its base?

Everything is recomputed in a clean checkout, compared with the base through `dvc metrics diff` and checked against the
base's gates.yaml: evidence.py. Where the base predicts something else, or nothing, the branch's own limits count:
applied_policy.py. The result is plain data; report.py words it for people.
"""

import datetime
from typing import Any

from lifecycle.core import version_code
from lifecycle.core.git import commit_of, git
from lifecycle.gate.accepted_regressions import unused_exceptions
from lifecycle.gate.base_commit import choose_base
from lifecycle.gate.base_metrics import without_limit
from lifecycle.gate.baseline_rules import check_baselines, finite_figures
from lifecycle.gate.check_result import FAIL, CheckResult
from lifecycle.gate.chosen_threshold import chosen_threshold
from lifecycle.gate.commit_files import brought, not_regular
from lifecycle.gate.commit_metadata import both_retrained, files_affecting_verdict, lock_hash_of
from lifecycle.gate.committed_output import believed_results
from lifecycle.gate.cost_rules import check_costs
from lifecycle.gate.evidence import TEST, Evidence, gather
from lifecycle.gate.group_checks import judge_groups
from lifecycle.gate.new_types import new_types
from lifecycle.gate.policy import Policy
from lifecycle.gate.readable_files import refuse_unreadable
from lifecycle.gate.reasons import listed, reason, reasons_of_rerun
from lifecycle.gate.rules import check_metrics, check_slices, refuse_unknown_metrics
from lifecycle.gate.searched import searched
from lifecycle.gate.unusual_code import unusual_changes

Checks = tuple[list[CheckResult], list[CheckResult], list[CheckResult], list[CheckResult]]
"""Of metrics, of slices, against baselines, of costs."""


def gate(revision: str | None, today: datetime.date) -> dict[str, Any]:
    """Return the verdict on the last commit, with everything it is based on.

    `revision` is the base; None chooses it: see base_commit.py.

    Raises ConfigError if there is no verdict: an unknown revision, or a policy that cannot be read or met.
    """
    head = commit_of("HEAD")  # once: it may move while this runs
    base = choose_base(revision, head)
    refuse_unreadable(head)
    evidence = gather(base, head, today)
    checks = _check(evidence, evidence.applied.policy, today)
    return _content(evidence, checks, _reasons(evidence, checks), today)


def _check(evidence: Evidence, policy: Policy, today: datetime.date) -> Checks:
    """Hold the branch's figures against the limits of a policy."""
    if evidence.rerun.failure:
        return [], [], [], []
    figures, slices = evidence.figures, evidence.slices
    owner = "branch" if policy is evidence.applied.branch else "base"
    refuse_unknown_metrics(policy, figures, slices, owner)
    of_model = {
        name: figure.get("new") for name, figure in figures.get(TEST, {}).items()
    } | evidence.remeasured.own_figures
    return (
        check_metrics(policy, figures, {TEST: evidence.paired}, today),
        check_slices(policy, slices["base"], slices["branch"], today),
        check_baselines(policy, evidence.task, of_model, evidence.baselines, evidence.own_metrics),
        check_costs(None if evidence.only_documents else policy.cost, evidence.costs),
    )


def _reasons(evidence: Evidence, checks: Checks) -> list[dict[str, str]]:
    """Why the branch may not be merged; none, if it may."""
    head, applied, paired = evidence.head, evidence.applied, evidence.paired
    metrics, slices, baselines, costs = checks
    reasons = [reason("refused", line) for line in evidence.refused]
    reasons += [reason("uncommitted_results", line) for line in not_regular(head, applied.judged_files)]
    reasons += reasons_of_rerun(evidence.rerun, evidence.uncommitted)
    reasons += [reason("altered", paired.problem)] if paired.problem else []
    if evidence.lost_rows and not evidence.rerun.failure:
        text = f"the dataset has changed, and nobody can tell its test rows from the base's: {paired.note}"
        reasons.append(reason("unknown_rows", text))
    if applied.refusal:
        text = f"the branch is not comparable with its base ({listed(applied.exchanged)}), and {applied.refusal}"
        reasons.append(reason("new_problem", text))
    reasons += [reason("limit", result.why) for result in (*metrics, *slices) if result.status == FAIL]
    reasons += [reason("baseline", result.why) for result in baselines if result.status == FAIL]
    reasons += [reason("cost", result.why) for result in costs if result.status == FAIL]
    return reasons + evidence.groups.reasons()


def _later(evidence: Evidence, today: datetime.date) -> list[str]:
    """Why the branch would fail under its own gates.yaml, which counts from the next pull request on."""
    policy = evidence.applied.branch
    if evidence.applied.of_branch or not evidence.applied.diff or evidence.rerun.failure:
        return []
    metrics, slices, baselines, costs = _check(evidence, policy, today)
    groups = judge_groups(policy, evidence.slices, evidence.groups.weak_content, "branch", today)
    measured = [result for result in costs if result.branch is not None]  # which the applied policy decides
    results = [*metrics, *slices, *baselines, *groups.results(), *measured]
    return [result.why for result in results if result.status == FAIL]


def _own_metrics(evidence: Evidence) -> dict[str, Any]:
    """The user's metrics that have no limit, and a line for each that base and branch measure differently."""
    figures = {} if evidence.rerun.failure else evidence.figures.get(TEST, {})
    rows = without_limit(evidence.applied.policy, evidence.own_metrics, figures, evidence.paired)
    return {"without_limit": [vars(row) for row in rows], "notes": evidence.remeasured.notes}


def _content(evidence: Evidence, checks: Checks, reasons: list[dict[str, str]], today: datetime.date) -> dict[str, Any]:
    """The verdict and everything it is based on, as plain data."""
    base, head, applied, paired = evidence.base.commit, evidence.head, evidence.applied, evidence.paired
    metrics, slices, baselines, costs = checks
    code = version_code.hash_at(head)
    exceptions = (applied.policy, applied.branch, evidence.slices, evidence.groups.weak_names(), today)
    unused = [] if evidence.rerun.failure else unused_exceptions(*exceptions)
    return {
        "verdict": "fail" if reasons else "pass",
        "date": str(today),
        "reasons": reasons,
        "base": {
            "revision": evidence.base.revision,
            "commit": base,
            "note": evidence.base.note,
            "has_metrics": any(result.base is not None for result in metrics),
        },
        "branch": {
            "commit": head,
            "moved": commit_of("HEAD") != head,
            "behind": int(git("rev-list", "--count", f"{head}..{base}")),
            "both_retrained": both_retrained(base, head),
            "model": evidence.model,
            "lock": lock_hash_of(head),
        },
        "code": {"sha256": code, "changed": code is None or code != version_code.hash_at(base)},
        "problem": applied.problem(),
        "metrics": [vars(result) for result in metrics],
        "own_metrics": _own_metrics(evidence),
        "baselines": {"figures": finite_figures(evidence.baselines), "checks": [vars(result) for result in baselines]},
        "slices": [vars(result) for result in slices],
        **evidence.groups.content(),
        "cost": [vars(result) for result in costs],
        "plots": evidence.plots,
        "paired_rows": paired.rows,
        "pairing_note": paired.note,
        "params": evidence.params,
        "seed": evidence.seed,
        "searched": searched(base, head),
        "threshold": chosen_threshold(evidence.figures),
        "data": evidence.data,
        "policy": {
            "of": "branch" if applied.of_branch else "base",
            "why": applied.why_branch,
            "change": applied.diff,
            "unused": unused,
            "later": _later(evidence, today),
        },
        "files_affecting_verdict": files_affecting_verdict(base, head),
        "review": [*brought(base, head), *new_types(base, head), *unusual_changes(base, head)],
        "recomputed": {
            "only_documents": evidence.only_documents,
            "not": believed_results(applied.policy.not_recomputed, base, head),
            "rounded": evidence.rerun.rounded,
        },
    }
