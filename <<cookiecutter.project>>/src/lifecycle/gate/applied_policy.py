"""Which gates.yaml a commit is judged by: the base's, or its own where the base has nothing to compare it with."""

import datetime
import difflib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import text_at
from lifecycle.gate.base_metrics import declared_by
from lifecycle.gate.commit_metadata import json_mapping
from lifecycle.gate.cost_rules import describe_ceiling
from lifecycle.gate.exchanged_problem import exchanged, permission_problem
from lifecycle.gate.policy import Policy, parse
from lifecycle.gate.readable_files import unreadable
from lifecycle.gate.rules import describe


@dataclass(frozen=True)
class AppliedPolicy:
    policy: Policy
    """The one that counts."""
    branch: Policy
    """The branch's own, which counts from the next pull request on."""
    diff: str = ""
    """From the base's gates.yaml to the branch's."""
    why_branch: str = ""
    """Why the branch's own counts, if it does."""
    exchanged: list[str] = field(default_factory=list)
    """How what the branch predicts differs from what the base predicts: nothing of the two is comparable then."""
    refusal: str = ""
    """Why another problem is not allowed, if it is not."""
    permission: str = ""
    """Who has allowed it, and why."""
    broken: bool = False
    """Whether nothing is comparable because the base cannot be read; `exchanged` then says why."""

    @property
    def of_branch(self) -> bool:
        return bool(self.why_branch)

    @property
    def judged_files(self) -> list[Path]:
        """The files that the policy is about: git has to have them, else the next branch has no baseline."""
        of_policy = [Path(name) for name in self.policy.metrics]
        of_groups = {
            config.SLICES: self.policy.slices or self.policy.fairness,
            config.WEAK_SLICES: self.policy.weak_slices,
        }
        named = [*of_policy, *config.BASELINES.values(), *(path for path, limits in of_groups.items() if limits)]
        return list(dict.fromkeys(named))

    def problem(self) -> dict[str, Any]:
        """Return what the report says about an exchanged problem."""
        approve = _limits(self.policy) if self.exchanged else []
        return {
            "exchanged": self.exchanged,
            "broken": self.broken,
            "permission": self.permission,
            "approve": approve,
        }


def applied_policy(base: str, head: str, today: datetime.date) -> AppliedPolicy:
    """Return the policy that counts for a commit.

    The base's counts, unless the base has no policy or no metrics, or its table or task was exchanged. Of a base that
    cannot be read only the absolute limits do; the branch's own, if it is the policy that cannot be read.

    Raises ConfigError if the branch has no policy, or one of the two is not valid: it would block the next branch.
    """
    of_base, of_branch = text_at(base, config.GATES), text_at(head, config.GATES)
    if of_branch is None:
        raise ConfigError(f"{config.GATES} is missing from the commit, so nothing could be checked: restore it")
    own = declared_by(base, head)
    branch, differences = parse(of_branch, str(config.GATES), own), exchanged(base, head)
    if of_base is None:
        return AppliedPolicy(branch, branch, "", "the base has no gates.yaml", differences)
    lines = difflib.unified_diff(of_base.splitlines(), of_branch.splitlines(), n=1, lineterm="")
    diff = "\n".join(list(lines)[2:])
    policy = None
    with suppress(ConfigError):
        policy = parse(of_base, f"{config.GATES} of the base", own)
    if broken := unreadable(base, "the base", (policy or branch).metrics):
        why = "" if policy else "the base's cannot be read"
        return AppliedPolicy(policy or branch, branch, diff, why, broken, broken=True)
    if not json_mapping(text_at(base, config.METRICS / "test.json")):
        return AppliedPolicy(branch, branch, diff, "the base has no metrics", differences)
    policy = parse(of_base, f"{config.GATES} of the base", own)
    if not differences:
        return AppliedPolicy(policy, branch, diff)
    refusal = permission_problem(policy, today)
    permission = _permission(policy, refusal)
    return AppliedPolicy(branch, branch, diff, "the base predicts something else", differences, refusal, permission)


def with_other_rows(applied: AppliedPolicy, difference: str, today: datetime.date) -> AppliedPolicy:
    """Return the policy that counts if the branch is tested on other rows than its base, which shows only once it has run."""
    refusal = "" if applied.of_branch else permission_problem(applied.policy, today)
    return replace(
        applied,
        policy=applied.branch,
        why_branch=applied.why_branch or "the base is tested on other rows",
        exchanged=[*applied.exchanged, difference],
        refusal=refusal,
        permission="" if applied.of_branch else _permission(applied.policy, refusal),
    )


def _permission(policy: Policy, refusal: str) -> str:
    """Who has allowed another problem, and why, if it is not refused."""
    allowed = policy.new_problem
    return f"{allowed.reason} (accepted by {allowed.accepted_by})" if allowed and not refusal else ""


def _limits(policy: Policy) -> list[str]:
    """Every absolute limit of a policy, each as a person would write it."""
    limits = {name: limit for of_file in policy.metrics.values() for name, limit in of_file.items()}
    lines = [f"{name} {describe(limit)}" for name, limit in limits.items()]
    of_slices = policy.slices.metrics.items() if policy.slices else ()
    lines += [f"{name} of each slice {describe(floor)}" for name, floor in of_slices]
    of_weak = policy.weak_slices.metrics.items() if policy.weak_slices else ()
    lines += [f"{name} of each weak slice {describe(floor)}" for name, floor in of_weak]
    lines += policy.fairness.lines() if policy.fairness else []
    ceilings = policy.cost.ceilings().items() if policy.cost else ()
    lines += [f"{name} {describe_ceiling(name, ceiling)}" for name, ceiling in ceilings if ceiling.most is not None]
    margins = [(name, metric, by) for name, metrics in policy.beats.items() for metric, by in metrics.items()]
    return lines + [f"{metric} better than {name} by {by:g}" for name, metric, by in margins]
