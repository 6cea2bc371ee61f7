"""Compare a shadow with production on the same rows, from the prediction log: how often they disagree, how far, and who was right."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow

from lifecycle.core.errors import DataError
from lifecycle.core.times import Window
from lifecycle.prediction_log import reader
from lifecycle.prediction_log.labels import Labels
from lifecycle.prediction_log.reader import Block

ROLES = ["production", "shadow"]
ANSWER = arrow.schema(
    {
        **{name: reader.HEAD.field(name).type for name in reader.HEAD.names},
        "probability": arrow.float64(),
        "prediction": arrow.float64(),
    }
)


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
        raise DataError(f"{log}: no row was answered by a shadow since {since}: deploy --shadow starts one")
    version = shadows["version"].iloc[shadows["time"].argmax()]
    pairs = paired(answers, version)
    if pairs.empty:
        raise DataError(f"{log}: no row of the shadow, version {version}, was answered by production in this window")
    beside = ", ".join(str(number) for number in sorted(pairs["version"].unique()))
    lines = [f"shadow, version {version}, beside production, version {beside}: {len(pairs):,} rows since {since}"]
    differ = pairs["label"] != pairs["label_shadow"]
    if pairs["label"].notna().any():
        lines.append(f"  another label     {differ.sum():,} rows ({differ.mean():.2%})")
    name = "probability" if pairs["probability"].notna().any() else "prediction"
    scores, shadow_scores = pairs[name], pairs[f"{name}_shadow"]
    if scores.notna().any():
        distance = (scores - shadow_scores).abs()
        lines.append(f"  mean score        {shadow_scores.mean():.4f}, production {scores.mean():.4f}")
        lines.append(
            f"  scores apart by   {distance.mean():.4f} on average, {distance.quantile(0.95):.4f} at most in 95% of the rows, "
            f"{distance.max():.4f} at most"
        )
    lines.append(_performance(with_labels(pairs, labels), name, positive))
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
    frames = [pd.DataFrame({name: [] for name in [*ANSWER.names, "label"]}, dtype=object)]
    for block in reader.answers(log, window):
        broken += block.broken
        labels.add(block, block.rows["role"] == "production")
        frames.append(_with_scores(block))
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(filled, ignore_index=True), broken


def _with_scores(block: Block) -> pd.DataFrame:
    places = block.rows.index[block.rows["role"].isin(ROLES)]
    table, _ = reader.with_label([block.lines[place] for place in places], ANSWER)
    frame: pd.DataFrame = table.drop_columns(["unquoted"]).to_pandas()
    return frame


def _performance(known: pd.DataFrame, name: str, positive: str | None) -> str:
    """How well each did on the rows with a label."""
    if known.empty:
        return "  no labels yet: they come in through /feedback"
    columns: Iterable[str] = (name, f"{name}_shadow")
    if name == "prediction":
        actual = known["label_actual"].astype(float)
        production, shadow = (float((known[column] - actual).abs().mean()) for column in columns)
        return f"  {len(known):,} with labels  mean absolute error {shadow:.4f}, production {production:.4f}"
    production, shadow = (
        float((known[column] == known["label_actual"]).mean()) for column in ("label", "label_shadow")
    )
    line = f"  {len(known):,} with labels  accuracy {shadow:.4f}, production {production:.4f}"
    if positive is not None and known[name].notna().all():
        outcome = known["label_actual"] == positive
        production, shadow = (_log_loss(outcome, known[column]) for column in columns)
        line += f"; log loss {shadow:.4f}, production {production:.4f}"
    return line


def _log_loss(outcome: pd.Series, probability: pd.Series) -> float:
    likelihood = np.clip(np.where(outcome, probability, 1 - probability), 1e-15, 1)
    return float(-np.log(likelihood).mean())
