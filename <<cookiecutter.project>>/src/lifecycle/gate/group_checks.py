"""Checks of groups of test rows that are not named one by one: those of a column against each other, and weak slices."""

import datetime
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.metrics import MeasureOf
from lifecycle.gate.check_result import FAIL, CheckResult
from lifecycle.gate.commit_metadata import json_mapping
from lifecycle.gate.fairness import GapResult, check_fairness, with_intervals
from lifecycle.gate.policy import Policy
from lifecycle.gate.rules import SliceFigures
from lifecycle.gate.weak_slice_rules import check_weak_slices, reported, weak_slices


@dataclass(frozen=True)
class GroupChecks:
    """The results of these checks, and the weak slices of the branch."""

    fairness: list[GapResult] = field(default_factory=list)
    weak: list[CheckResult] = field(default_factory=list)
    weak_content: dict[str, Any] = field(default_factory=dict)

    def reasons(self) -> list[dict[str, str]]:
        """Return why the branch fails, a reason for each check that does."""
        of_kinds = [
            *(("fairness", result) for result in self.fairness),
            *(("weak_slice", result) for result in self.weak),
        ]
        return [{"kind": kind, "text": result.why} for kind, result in of_kinds if result.status == FAIL]

    def results(self) -> list[CheckResult]:
        """Return all of them."""
        return [*self.fairness, *self.weak]

    def weak_names(self) -> list[str]:
        """Return the names of the branch's weak slices."""
        return [*(weak_slices(self.weak_content) or {})]

    def content(self) -> dict[str, Any]:
        """Return what the report shows."""
        return {
            "fairness": [vars(result) for result in self.fairness],
            "weak_slices": {**reported(self.weak_content), "checks": [vars(result) for result in self.weak]},
        }


def check_groups(
    policy: Policy,
    slices: dict[str, SliceFigures],
    folder: Path,
    of: str,
    today: datetime.date,
    own: MeasureOf | None = None,
) -> GroupChecks:
    """Check the groups of test rows.

    Args:
        policy: the limits, and the exceptions from them.
        slices: metrics/slices.json of `base` and `branch`.
        folder: a checkout of the branch with its results.
        of: whose policy it is: `base` or `branch`.
        today: the day on which exceptions must still hold.
        own: the measure of the user's metrics.

    Raises ConfigError if the policy names a column that has no slices.
    """
    path = folder / config.WEAK_SLICES
    weak = json_mapping(path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else None)
    checks = judge_groups(policy, slices, weak, of, today)
    return replace(checks, fairness=with_intervals(checks.fairness, folder, own))


def judge_groups(
    policy: Policy, slices: dict[str, SliceFigures], weak: dict[str, Any], of: str, today: datetime.date
) -> GroupChecks:
    """Check the groups by what the files of `metrics` say, without intervals; arguments as above, and metrics/weak_slices.json."""
    fairness = check_fairness(policy, slices["base"], slices["branch"], of, today)
    return GroupChecks(fairness, check_weak_slices(policy, weak, today), weak)
