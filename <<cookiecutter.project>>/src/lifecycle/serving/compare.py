"""Compare a shadow with production on the same rows, from the prediction log: how often they disagree, how far, and who was right."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as arrow

from lifecycle.core.errors import DataError
from lifecycle.core.times import Window
from lifecycle.prediction_log import reader
from lifecycle.prediction_log.labels import Labels, class_names
from lifecycle.prediction_log.reader import Block
from lifecycle.serving.shadow_metrics import PROBABILITIES, distances, performance

ROLES = ["production", "shadow"]
ANSWER = [*reader.HEAD, arrow.field("probability", arrow.float64()), arrow.field("prediction", arrow.float64())]


def compare(log: Path | str, window: Window, positive: str | None) -> str:
    """Return what the log says of the latest shadow in a window, in a few lines.

    Args:
        log: a folder, or the URL of one.
        window: of the answers; labels may have come in later.
        positive: the label whose probability is logged; None for a task that has none.

    Raises DataError if no row was answered by both.
    """
    labels, since = Labels(log, window), f"{window.since:%Y-%m-%d %H:%M} UTC"
    answers, broken = _answers(log, window, labels)
    shadows = answers[answers["role"] == "shadow"]
    if shadows.empty:
        raise DataError(
            f"{log}: no row was answered by a shadow since {since}: deploy --shadow starts one; if one runs, name the log of its servers (SERVING_LOG)"
        )
    version = shadows["version"].iloc[shadows["time"].argmax()]
    pairs = paired(answers, version)
    if pairs.empty:
        raise DataError(f"{log}: no row of the shadow, version {version}, was answered by production in this window")
    beside = ", ".join(str(number) for number in sorted(pairs["version"].unique()))
    lines = [f"shadow, version {version}, beside production, version {beside}: {len(pairs):,} rows since {since}"]
    differ = pairs["label"] != pairs["label_shadow"]
    if pairs["label"].notna().any():
        lines.append(f"  another label     {differ.sum():,} rows ({differ.mean():.2%})")
    lines += distances(pairs)
    lines.append(performance(with_labels(pairs, labels), positive))
    if broken:
        lines.append(f"  {broken:,} lines of the log cannot be read")
    return "\n".join(lines)


def paired(answers: pd.DataFrame, version: int) -> pd.DataFrame:
    """Return the rows that both production and a version as shadow have answered; the shadow's columns end in `_shadow`."""
    shadow = answers[(answers["role"] == "shadow") & (answers["version"] == version)]
    production = answers[answers["role"] == "production"]
    sides = [side.drop_duplicates("request_id", keep="last") for side in (production, shadow)]
    return sides[0].merge(sides[1], on="request_id", suffixes=("", "_shadow"))


def with_labels(pairs: pd.DataFrame, labels: Labels) -> pd.DataFrame:
    """Return the pairs whose label is known, with `label_actual`."""
    joined = labels.joined()[["request_id", "label"]]
    return pairs.merge(joined, on="request_id", suffixes=("", "_actual"))


def _answers(log: Path | str, window: Window, labels: Labels) -> tuple[pd.DataFrame, int]:
    """The answers of production and shadow, without inputs; and how many lines cannot be read."""
    broken = labels.broken
    names = [*(field.name for field in ANSWER), PROBABILITIES, "label"]
    frames = [pd.DataFrame({name: [] for name in names}, dtype=object)]
    for block in reader.answers(log, window):
        broken += block.broken
        labels.add(block, block.rows["role"] == "production")
        frames.append(_with_scores(block))
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(filled, ignore_index=True), broken


def _with_scores(block: Block) -> pd.DataFrame:
    rows = block.rows[block.rows["role"].isin(ROLES)]
    classes = {name for place in rows.drop_duplicates("version").index for name in _classes(block.lines[place])}
    probabilities = arrow.struct({name: arrow.float64() for name in sorted(classes)})
    schema = arrow.schema([*ANSWER, arrow.field(PROBABILITIES, probabilities)])
    table, _ = reader.with_label([block.lines[place] for place in rows.index], schema)
    frame: pd.DataFrame = table.drop_columns(["unquoted"]).to_pandas()
    return frame.assign(label=class_names(frame["label"]))


def _classes(line: bytes) -> Iterable[str]:
    """The classes in the answer of a model of several classes."""
    try:
        return [str(name) for name in json.loads(line).get(PROBABILITIES, ())]
    except (ValueError, TypeError, RecursionError):
        return []
