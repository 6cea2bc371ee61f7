"""Checks of groups of test rows that are not named one by one: those of a column against each other, and weak slices."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.gate.check_result import FAIL, CheckResult
from lifecycle.gate.commit_metadata import json_mapping
from lifecycle.gate.fairness import GapResult, check_fairness, with_intervals
from lifecycle.gate.policy import Policy
from lifecycle.gate.rules import SliceFigures
from lifecycle.gate.weak_slice_rules import check_weak_slices, printable_figures, searched, weak_slices


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

    def content(self) -> dict[str, Any]:
        """Return what the report shows."""
        return {
            "fairness": [vars(result) for result in self.fairness],
            "weak_slices": {
                "searched": searched(self.weak_content),
                "slices": {
                    name: printable_figures(figures) for name, figures in (weak_slices(self.weak_content) or {}).items()
                },
                "checks": [vars(result) for result in self.weak],
            },
        }


def check_groups(policy: Policy, slices: dict[str, SliceFigures], folder: Path, of: str) -> GroupChecks:
    """Check the groups of test rows.

    Args:
        policy: the limits.
        slices: metrics/slices.json of `base` and `branch`.
        folder: a checkout of the branch with its results.
        of: whose policy it is: `base` or `branch`.

    Raises ConfigError if the policy names a column that has no slices.
    """
    path = folder / config.WEAK_SLICES
    weak = json_mapping(path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else None)
    fairness = check_fairness(policy.fairness, slices["base"], slices["branch"], of)
    return GroupChecks(with_intervals(fairness, folder), check_weak_slices(policy.weak_slices, weak), weak)
