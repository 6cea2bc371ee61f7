"""The gate: may the last commit be merged into its base?

Everything is recomputed in a clean checkout, compared with the base through `dvc metrics diff` and checked against the
base's gates.yaml. The result is plain data; report.py words it for people.
"""

import datetime
import difflib
import json
import math
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lifecycle.core import config, version_code
from lifecycle.core.dvc import dvc
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import file_hash
from lifecycle.core.git import commit_of, git, text_at
from lifecycle.gate.check_result import FAIL, CheckResult
from lifecycle.gate.commit_metadata import dataset, files_affecting_verdict, lock_hash_of, refuse_links, slices_of
from lifecycle.gate.paired_bootstrap import PairedComparison, compare, predictions_at
from lifecycle.gate.policy import Policy, parse
from lifecycle.gate.recompute import Recomputed, clean_checkout, recompute
from lifecycle.gate.rules import Figures, SliceFigures, check_metrics, check_slices
from lifecycle.gate.staleness import uncommitted

MAX_LISTED = 6


def gate(revision: str, today: datetime.date) -> dict[str, Any]:
    """Return the verdict on the last commit, with everything it is based on.

    Raises ConfigError if there is no verdict: an unknown revision, or a policy that cannot be read or met.
    """
    base, head = commit_of(revision), commit_of("HEAD")
    refuse_links(head)
    policy, branch_policy, policy_diff = _policies(base, head)
    with clean_checkout(head) as folder, ThreadPoolExecutor(1) as executor:
        pending = executor.submit(
            lambda: (_params_diff(base), uncommitted(head, policy.tolerance), predictions_at(base))
        )
        rerun = recompute(folder, policy.recompute, policy.tolerance)
        params, dirty, predictions = pending.result()
        figures: Figures = _json(dvc("metrics", "diff", "--all", "--json", base, folder=folder))
        slices = {"base": slices_of(text_at(base, config.SLICES)), "branch": slices_of(_text(folder / config.SLICES))}
        report = None if rerun.failure else _text(folder / config.VALIDATION_REPORT)
        data = {"base": dataset(text_at(base, config.VALIDATION_REPORT), base), "branch": dataset(report, head)}
        model = file_hash(folder / config.MODEL) if (folder / config.MODEL).exists() else None
        if rerun.failure:
            paired = PairedComparison({}, 0, note="the pipeline failed")
        else:
            paired = compare(base, predictions, folder)

    def check(by: Policy) -> tuple[list[CheckResult], list[CheckResult]]:
        if rerun.failure:
            return [], []
        _refuse_unknown_metrics(by, figures, slices, "branch" if by is branch_policy else "base")
        comparisons = {str(config.METRICS / "test.json"): paired}
        metrics = check_metrics(by, figures, comparisons, today)
        return metrics, check_slices(by, slices["base"], slices["branch"], today)

    (metrics, of_slices), (later_metrics, later_slices) = check(policy), check(branch_policy)
    reasons = _reasons(rerun, dirty)
    reasons += [_reason("limit", result.why) for result in (*metrics, *of_slices) if result.status == FAIL]
    later = [result.why for result in (*later_metrics, *later_slices) if result.status == FAIL]
    code = version_code.hash_at(head)
    return {
        "verdict": "fail" if reasons else "pass",
        "date": str(today),
        "reasons": reasons,
        "base": {
            "revision": revision,
            "commit": base,
            "has_metrics": any(result.base is not None for result in metrics),
        },
        "branch": {
            "commit": head,
            "behind": int(git("rev-list", "--count", f"HEAD..{base}")),
            "model": model,
            "lock": lock_hash_of(head),
        },
        "code": {"sha256": code, "changed": code is None or code != version_code.hash_at(base)},
        "metrics": [vars(result) for result in metrics],
        "slices": [vars(result) for result in of_slices],
        "paired_rows": paired.rows,
        "pairing_note": paired.note,
        "params": params,
        "data": data,
        "policy": {
            "of": "branch" if policy is branch_policy else "base",
            "change": policy_diff,
            "later": later if policy_diff else [],
        },
        "files_affecting_verdict": files_affecting_verdict(base),
    }


def _policies(base: str, head: str) -> tuple[Policy, Policy, str]:
    """The policy that counts, the branch's own, and the diff between them.

    The base's counts; where the base has none, the branch's. Both must be valid: a broken one would block the next branch.
    """
    of_base, of_branch = text_at(base, config.GATES), text_at(head, config.GATES)
    if of_branch is None:
        raise ConfigError(f"{config.GATES} is missing from the commit, so nothing could be checked: restore it")
    policy = parse(of_branch, str(config.GATES))
    if of_base is None:
        return policy, policy, ""
    lines = difflib.unified_diff(of_base.splitlines(), of_branch.splitlines(), n=1, lineterm="")
    return parse(of_base, f"{config.GATES} of the base"), policy, "\n".join(list(lines)[2:])


def _reasons(rerun: Recomputed, dirty: list[str]) -> list[dict[str, str]]:
    """The reasons to fail before any limit is checked. Their kinds select the next steps in the report."""
    failure = [_reason("pipeline", f"the pipeline fails: {rerun.failure}")] if rerun.failure else []
    if rerun.undeclared:
        text = f"no stage of dvc.yaml depends on {_listed(rerun.undeclared)}, so a change there would go unnoticed"
        failure.append(_reason("undeclared", text))
    if rerun.stale:
        text = f"the committed results are stale: {_listed(rerun.stale)} changed since the last dvc repro"
        return [_reason("stale", text), *failure]
    if rerun.altered:
        return failure + [_reason("altered", f"not made by the pipeline: {line}") for line in rerun.altered]
    text = f"the working tree differs from the commit that is checked: {_listed(dirty)}"
    return failure + ([_reason("uncommitted", text)] if dirty else [])


def _params_diff(base: str) -> dict[str, Any]:
    diff = _json(dvc("params", "diff", "--json", base, "HEAD"))
    for names in diff.values():  # infinity and NaN are valid parameters, but not valid JSON
        for change in names.values():
            for side, value in change.items():
                if isinstance(value, float) and not math.isfinite(value):
                    change[side] = str(value)
    return diff


def _reason(kind: str, text: str) -> dict[str, str]:
    return {"kind": kind, "text": text}


def _refuse_unknown_metrics(policy: Policy, figures: Figures, slices: dict[str, SliceFigures], of: str) -> None:
    """Raise ConfigError if the policy limits a metric that neither side has."""
    where = f"{config.GATES} of the {of}"
    for file, limits in policy.metrics.items():
        for name in limits:
            if name not in figures.get(file, {}):
                near = difflib.get_close_matches(name, figures.get(file, {}), n=1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                raise ConfigError(f"{where}: {file} has no metric {name!r}, on neither side{hint}")
    of_each = [figure for side in slices.values() for values in side.values() for figure in values.values()]
    for name in policy.slices.metrics if policy.slices and of_each else ():
        if not any(name in figure for figure in of_each):
            raise ConfigError(f"{where}: {config.SLICES} has no metric {name!r}, on neither side")


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _json(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON that a DVC command has printed."""
    if done.returncode:
        raise ConfigError(f"{' '.join(done.args[2:5])}: {done.stderr.strip()[-300:]}")
    content: dict[str, Any] = json.loads(done.stdout or "{}")
    return content


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
