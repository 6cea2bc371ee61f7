"""gates.yaml as text, with a comment for each of its keys."""

import json
from decimal import Decimal
from io import StringIO

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml, yaml_as_written
from lifecycle.gate.limits import MetricLimit, plain

HEAD = """\
# What a model must reach to be merged. `make gate` checks the last commit, and so does every pull request. The policy of the
# base branch applies: a change made here applies from the next pull request on. Written by `gate propose` from the model of
# that day; from then on yours to change: run again, it only adds limits of new metrics.

# File, then metric as `dvc metrics show` names it. A metric named here must exist and be a finite number.
metrics:
  metrics/test.json:
"""
BEATS = """
# By how much a metric must be better than that of a baseline on the same rows (metrics/trivial.json, metrics/linear.json). Better than the
# trivial model in log loss (regression: RMSE) is always demanded.
beats:
"""
SLICES = """
# Limits for every value of the columns in evaluate.slices of params.yaml, so that no group of rows falls behind unnoticed.
slices:
"""
GROUPS = """
# More limits that may be set: docs/pull-requests.md.
#   weak_slices: {min_rows: 50, metrics: {log_loss: {max: 0.6931}}}    # of the groups in which evaluate finds that the model errs more than it says
#   fairness: {min_rows: 100, columns: {region: {accuracy: {max_difference: 0.15, min_ratio: 0.8}}}}
#   cost: {training_seconds: {max_ratio: 2}, model_size: {max_mb: 50}}    # of what the model costs, in time and memory of this machine
"""
TAIL = """
# The gate runs every stage again. Stages whose committed results it believes instead, each with a reason, which every report shows:
# not_recomputed: {{train: takes nine hours on a GPU}}
not_recomputed: {not_recomputed}
tolerance: {tolerance}               # how far a committed number may be from the recomputed one, which is the one that counts

# Regressions accepted on purpose, for a while. They apply once they are on the base branch:
#   - metric: {metric}
#     slice: column=value               # without it, the metric of all rows
#     {bound}                         # how far it may go
#     reason: the new label counts what the old one left out
#     accepted_by: Ada Lovelace
#     expires: 2026-12-31               # the last day, in UTC
exceptions: []
"""


def policy_text(
    limits: dict[str, MetricLimit],
    beats: dict[str, str],
    slices: tuple[str, Decimal, int] | None,
    not_recomputed: dict[str, str],
    tolerance: float,
) -> str:
    """Return the text of gates.yaml.

    Args:
        limits: by metric; the first is the main one.
        beats: baseline → metric in which the model must be better.
        slices: a metric, its limit in every slice, and the rows from which a slice is judged.
        not_recomputed: stages that the gate does not run again, and why.
        tolerance: how far a committed number may be from the recomputed one.
    """
    main = next(iter(limits))
    text = HEAD + "".join(f"    {_limit(name, limit, name == main)}\n" for name, limit in limits.items())
    if beats:
        text += BEATS + "".join(f"  {baseline}: {{{metric}: 0.0}}\n" for baseline, metric in beats.items())
    if slices:
        metric, bound, min_rows = slices
        text += SLICES + f"  min_rows: {min_rows:<20} # smaller slices are shown, not judged\n"
        text += f"  metrics:\n    {metric}: {{{_side(limits[metric])}: {plain(bound)}}}\n"
    example = f"{_side(limits[main])}: {plain(limits[main].bound)}"
    tail = TAIL.format(
        not_recomputed=json.dumps(not_recomputed, ensure_ascii=False),  # JSON is YAML, whatever a reason contains
        tolerance=f"{tolerance:f}".rstrip("0"),
        metric=main,
        bound=example,
    )
    return text + GROUPS + tail


def with_missing_limits(present: str, proposed: str) -> tuple[str, list[str]]:
    """Return a policy with the proposed limits of those metrics that it has none for, and their names; the rest of it as it is written.

    Raises ConfigError if it is no policy.
    """
    yaml, stream, added = yaml_as_written(), StringIO(), []
    parse_yaml(present, str(config.GATES))  # whose message names file and line
    policy = yaml.load(present)
    if not isinstance(policy.get("metrics"), dict):
        raise ConfigError(f"{config.GATES}: metrics is no mapping: correct it, or write the file anew with --anew")
    for file, limits in yaml.load(proposed)["metrics"].items():
        here = policy["metrics"].setdefault(file, {})
        for metric, limit in limits.items():
            if metric not in here:
                here[metric] = limit
                added.append(metric)
    yaml.dump(policy, stream)
    return stream.getvalue() if added else present, added


def _limit(metric: str, limit: MetricLimit, explained: bool) -> str:
    drop, fall = ("max_drop", "below") if limit.sign > 0 else ("max_rise", "above")
    text = f"{metric}: {{{_side(limit)}: {plain(limit.bound)}, {drop}: {plain(limit.change)}}}"
    comment = f"# never {fall} {_side(limit)}; at most {drop} {fall} the base"
    return f"{text:<49} {comment}" if explained else text


def _side(limit: MetricLimit) -> str:
    return "min" if limit.sign > 0 else "max"
