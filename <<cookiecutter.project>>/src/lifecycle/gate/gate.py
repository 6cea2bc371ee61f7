"""The gate: may the last commit be merged into its base?

Everything is recomputed in a clean checkout, compared with the base through `dvc metrics diff` and held against the
base's gates.yaml. What comes out is plain data; render.py writes it for people.
"""

import datetime
import difflib
import json
import math
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.dvc import dvc
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import file_hash
from lifecycle.core.git import commit_of, git, text_at
from lifecycle.gate.commit_metadata import changed_judges, dataset, lock_hash_of, refuse_links, slices_of
from lifecycle.gate.paired_bootstrap import Paired, compare, predictions_at
from lifecycle.gate.policy import Policy, parse
from lifecycle.gate.recompute import Recomputed, clean_checkout, recompute
from lifecycle.gate.rules import FAIL, Figures, Finding, Slices, judge_metrics, judge_slices
from lifecycle.gate.staleness import uncommitted

MAX_SHOWN = 6


def gate(revision: str, today: datetime.date) -> dict[str, Any]:
    """Return the verdict on the last commit, with everything it rests on; `render.py` writes it for people.

    Raises ConfigError if there is no answer: an unknown revision, or a policy that cannot be read or met.
    """
    base, head = commit_of(revision), commit_of("HEAD")
    refuse_links(head)
    policy, own, change = _policies(base, head)
    with clean_checkout(head) as folder, ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(lambda: (_params(base), uncommitted(head, policy.tolerance), predictions_at(base)))
        found = recompute(folder, policy.recompute, policy.tolerance)
        params, dirty, predictions = waiting.result()
        figures: Figures = _json(dvc("metrics", "diff", "--all", "--json", base, folder=folder))
        slices = {"base": slices_of(text_at(base, config.SLICES)), "branch": slices_of(_text(folder / config.SLICES))}
        report = None if found.failure else _text(folder / config.VALIDATION_REPORT)
        data = {"base": dataset(text_at(base, config.VALIDATION_REPORT), base), "branch": dataset(report, head)}
        model = file_hash(folder / config.MODEL) if (folder / config.MODEL).exists() else None
        paired = (
            compare(base, predictions, folder) if not found.failure else Paired({}, 0, why_not="the pipeline failed")
        )

    def judge(by: Policy) -> tuple[list[Finding], list[Finding]]:
        if found.failure:
            return [], []
        _refuse_unknown(by, figures, slices, "branch" if by is own else "base")
        pairs = {str(config.METRICS / "test.json"): paired}
        return judge_metrics(by, figures, pairs, today), judge_slices(by, slices["base"], slices["branch"], today)

    (metrics, parts), later = judge(policy), judge(own)
    reasons = _reasons(found, dirty)
    reasons += [_reason("limit", finding.why) for finding in (*metrics, *parts) if finding.status == FAIL]
    return {
        "verdict": "fail" if reasons else "pass",
        "date": str(today),
        "reasons": reasons,
        "base": {
            "revision": revision,
            "commit": base,
            "has_metrics": any(finding.base is not None for finding in metrics),
        },
        "branch": {
            "commit": head,
            "behind": int(git("rev-list", "--count", f"HEAD..{base}")),
            "model": model,
            "lock": lock_hash_of(head),
        },
        "metrics": [vars(finding) for finding in metrics],
        "slices": [vars(finding) for finding in parts],
        "paired_rows": paired.rows,
        "unpaired": paired.why_not,
        "params": params,
        "data": data,
        "policy": {
            "of": "branch" if policy is own else "base",
            "change": change,
            "later": [finding.why for part in later for finding in part if finding.status == FAIL] if change else [],
        },
        "judges": changed_judges(base),
    }


def _policies(base: str, head: str) -> tuple[Policy, Policy, str]:
    """The policy that counts, the branch's own, and how the branch changes it.

    The base's counts; where the base has none, the branch's. Both must be valid: a broken one would block the next.
    """
    theirs, ours = text_at(base, config.GATES), text_at(head, config.GATES)
    if ours is None:
        raise ConfigError(f"{config.GATES} is missing from the commit: nothing would be held to anything; restore it")
    own = parse(ours, str(config.GATES))
    if theirs is None:
        return own, own, ""
    lines = difflib.unified_diff(theirs.splitlines(), ours.splitlines(), n=1, lineterm="")
    return parse(theirs, f"{config.GATES} of the base"), own, "\n".join(list(lines)[2:])


def _reasons(found: Recomputed, dirty: list[str]) -> list[dict[str, str]]:
    """What is wrong before any limit: each with its kind, by which the report says what to do next."""
    failure = [_reason("pipeline", f"the pipeline fails: {found.failure}")] if found.failure else []
    if found.stale:
        text = f"the committed results are stale: {_some(found.stale)} changed since the last dvc repro"
        return [_reason("stale", text), *failure]
    if found.altered:
        return failure + [_reason("altered", f"not made by the pipeline: {line}") for line in found.altered]
    text = f"the working tree is not what is committed and judged: {_some(dirty)}"
    return failure + ([_reason("uncommitted", text)] if dirty else [])


def _params(base: str) -> dict[str, Any]:
    found = _json(dvc("params", "diff", "--json", base, "HEAD"))
    for names in found.values():  # infinity and NaN are parameters, and no JSON
        for change in names.values():
            change |= {
                side: str(value)
                for side, value in change.items()
                if isinstance(value, float) and not math.isfinite(value)
            }
    return found


def _reason(kind: str, text: str) -> dict[str, str]:
    return {"kind": kind, "text": text}


def _refuse_unknown(policy: Policy, figures: Figures, slices: dict[str, Slices], of: str) -> None:
    """Raise ConfigError if the policy names what neither side has: it would be a limit on nothing."""
    where = f"{config.GATES} of the {of}"
    for file, limits in policy.metrics.items():
        for name in limits:
            if name not in figures.get(file, {}):
                near = difflib.get_close_matches(name, figures.get(file, {}), n=1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                raise ConfigError(f"{where}: {file} has no metric {name!r}, on neither side{hint}")
    parts = [part for side in slices.values() for values in side.values() for part in values.values()]
    for name in policy.slices.metrics if policy.slices and parts else ():
        if not any(name in part for part in parts):
            raise ConfigError(f"{where}: {config.SLICES} has no metric {name!r}, on neither side")


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _json(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    if done.returncode:
        raise ConfigError(f"{' '.join(done.args[2:5])}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout or "{}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:MAX_SHOWN]) + (f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else "")
