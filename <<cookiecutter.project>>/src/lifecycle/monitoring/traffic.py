"""What the prediction log says of a window: read once, a block at a time, of which only samples are kept.

Samples are chosen by a hash of the row, so they depend neither on the order of rows and files nor on how many times
they are drawn, and any number of rows takes as much memory as a few.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow

from lifecycle.core.reference import ACTUAL, INPUTS, log_schema
from lifecycle.core.times import now
from lifecycle.monitoring.bottom_k_sample import Lowest
from lifecycle.monitoring.window import Window
from lifecycle.prediction_log import reader as log_reader
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS, SKEW

HEAD = arrow.schema(
    {
        "time": arrow.timestamp("ms", "UTC"),
        "role": arrow.string(),
        "version": arrow.int64(),
        "request_id": arrow.string(),
    }
)
SAID = arrow.schema([HEAD.field("time"), HEAD.field("request_id")])
MORE = 10  # labels that are kept for each that is wanted: some are of other windows' rows


@dataclass(frozen=True)
class Watched:
    """Whose answers are looked at: one version in one role; and the log they are in."""

    log: Path | str
    role: str
    version: int
    schema: arrow.Schema
    """Of its reference."""


@dataclass
class Traffic:
    """What the log has of a version in a window."""

    rows: int
    sample: pd.DataFrame
    """Rows with the columns of the reference but `actual`."""
    labelled: pd.DataFrame
    """Rows whose label has come in, with their answers and `actual`, as text."""
    other_versions: dict[int, int]
    """Rows that other versions have answered in the same role."""
    broken_lines: int


def collect(watched: Watched, window: Window, rows: int, labels: int) -> Traffic:
    """Return what a window holds: a sample of at most `rows`, and at most `labels` rows with a label."""
    said, broken = _labels(watched.log, window, MORE * labels)
    fields = arrow.schema([*HEAD, *log_schema(watched.schema)])
    sample, labelled = Lowest(rows), Lowest(MORE * labels)
    count, others = 0, Counter[int]()
    for content in log_reader.blocks(watched.log, window.since, window.until, PREDICTIONS):
        lines = content.removesuffix(b"\n").split(b"\n")
        heads, bad = log_reader.heads(lines, HEAD)
        found = _in_role(heads, watched.role, window)
        broken += bad + heads.num_rows - heads.drop_null().num_rows
        others.update(found.loc[found["version"] != watched.version, "version"].tolist())
        found = found[found["version"] == watched.version]
        count += len(found)
        chosen = sample.takes(found["place"]) | _among(found["key"], said)
        if chosen.any():
            # A line that is empty or broken has shifted the numbers of the others.
            aligned = heads.num_rows == len(lines)
            part = b"\n".join(lines[row] for row in found.index[chosen]) if aligned else content
            whole, bad = log_reader.table(part, fields)
            broken += bad if aligned else 0
            found = _in_role(whole, watched.role, window)
            found = found[found["version"] == watched.version]
            sample.add(found["place"], whole.take(found.index.to_numpy()))
            known = found[_among(found["key"], said)]
            labelled.add(known["key"], whole.take(known.index.to_numpy()))
    joined = _joined(labelled.kept(fields), said, labels)
    return Traffic(
        count, _flat(sample.kept(fields)).reset_index(drop=True), joined, dict(sorted(others.items())), broken
    )


def _in_role(heads: arrow.Table, role: str, window: Window) -> pd.DataFrame:
    """The rows of a role and a window, by their number: `version`, `key` (a hash of the id) and `place` (one of the row)."""
    frame = heads.select(HEAD.names).to_pandas().dropna()
    frame = frame[(frame["role"] == role) & (frame["time"] >= window.since) & (frame["time"] < window.until)]
    key = hashes(frame["request_id"])
    # A client may give many rows the same id, so that their place in the sample depends on the time as well.
    place = mixed(key + frame["time"].astype("int64").to_numpy().astype(np.uint64))
    return pd.DataFrame({"version": frame["version"].astype("int64"), "key": key, "place": place}, index=frame.index)


def hashes(ids: pd.Series) -> np.ndarray:
    """Return a number of 64 bits for each id, spread evenly."""
    return pd.util.hash_array(ids.to_numpy(dtype=object), categorize=False)


def mixed(numbers: np.ndarray) -> np.ndarray:
    """Return the numbers, of 64 bits, spread evenly (the finaliser of SplitMix64; Steele, Lea and Flood, 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _labels(log: Path | str, window: Window, most: int) -> tuple[pd.DataFrame, int]:
    """The labels that have come in since a window began, until now: the last word on each row, by the hash of its id."""
    kept, broken, bound = pd.DataFrame({"key": [], "time": [], "label": []}), 0, Lowest.HIGHEST
    for content in log_reader.blocks(log, window.since, now(), FEEDBACK):
        found, bad = log_reader.labelled(content, SAID)
        frame = found.to_pandas()
        broken += bad + int(frame.isna().any(axis=1).sum())
        frame = frame.dropna()
        frame = frame[frame["time"] <= now() + SKEW]
        frame = frame.assign(key=hashes(frame["request_id"])).drop(columns="request_id")
        kept = pd.concat([kept, frame[frame["key"] <= bound]]) if len(kept) else frame
        kept = kept.sort_values("time", kind="stable").drop_duplicates("key", keep="last")
        if len(kept) > most:
            kept = kept.nsmallest(most, "key")
            bound = kept["key"].max()
    kept = kept.sort_values("key")
    return kept[["label", "time"]].set_index(kept["key"].to_numpy(dtype=np.uint64)), broken


def _among(keys: pd.Series, said: pd.DataFrame) -> np.ndarray:
    """Which keys have a label; shape (rows,)."""
    if said.empty:
        return np.zeros(len(keys), dtype=bool)
    known = said.index.to_numpy()
    places = np.searchsorted(known, keys.to_numpy()).clip(max=len(known) - 1)
    return known[places] == keys.to_numpy()


def _joined(table: arrow.Table, said: pd.DataFrame, most: int) -> pd.DataFrame:
    """Rows with their label as `actual`; the last one of each id, unless its label is older: that was meant for another."""
    heads = {"key": hashes(table["request_id"].to_pandas()), "time": table["time"].to_pandas()}
    frame = _flat(table).join(pd.DataFrame(heads))
    frame = frame.sort_values(["key", "time"]).drop_duplicates("key", keep="last")
    labels = said.loc[frame["key"]]
    frame = frame.assign(**{ACTUAL: labels["label"].to_numpy()})
    frame = frame[labels["time"].to_numpy() >= (frame["time"] - SKEW).to_numpy()].head(most)
    return frame.drop(columns=["key", "time"]).reset_index(drop=True)


def _flat(table: arrow.Table) -> pd.DataFrame:
    """What the reference has as well, a column each, what is infinite as missing; without rows that have no answer."""
    frame = table.drop_columns(HEAD.names).flatten().to_pandas().replace([np.inf, -np.inf], np.nan)
    return frame.dropna(subset=[name for name in frame if not str(name).startswith(INPUTS)])
