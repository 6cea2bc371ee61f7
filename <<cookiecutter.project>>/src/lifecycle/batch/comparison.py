"""How far the scores of two versions are apart on the rows of a table that both have scored."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet

from lifecycle.batch.job import Job
from lifecycle.batch.output import partition
from lifecycle.batch.score_rows import LABEL
from lifecycle.core import score_distances
from lifecycle.core.errors import DataError

LAST = "_other"  # at the end of the names of the second version's columns
STAMP = ["model_version", "scored_at"]


def compare(job: Job, other: Job) -> str:
    """Return in a few lines how far two runs on one table are apart, of all their dates together.

    Raises DataError if no row was scored by both, or the two predict different things.
    """
    counts, scores = np.zeros(4, dtype=np.int64), []
    for date in job.dates or (job.date,):
        first, second = (_read(partition(one.output, date)) for one in (job, other))
        for kind, name, expected in (
            ("key", second.columns[0], first.columns[0]),
            ("scores", _kind(second), _kind(first)),
        ):
            if name != expected:
                raise DataError(
                    f"{other.output}: has the {kind} {name}, {job.output} {expected}: they cannot be compared"
                )
        pairs = paired(first, second)
        changed = (pairs[LABEL].astype(str) != pairs[LABEL + LAST].astype(str)).sum() if LABEL in pairs else 0
        counts += [len(pairs), changed, len(first) - len(pairs), len(second) - len(pairs)]
        scores.append(_scores(pairs))
    rows, changed, first_alone, second_alone = counts.tolist()
    if not rows:
        raise DataError(f"{other.output}: no row was scored by both versions")
    lines = [f"{other.alias}, version {other.version}, beside {job.alias}, version {job.version}: {rows:,} rows"]
    if first_alone or second_alone:
        lines.append(f"  scored by one     {first_alone:,} by {job.alias}, {second_alone:,} by {other.alias}")
    if LABEL in pairs:
        lines.append(f"  another label     {changed:,} rows ({changed / rows:.2%})")
    return "\n".join(lines + distances(pd.concat(scores, ignore_index=True), job.alias))


def paired(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that both have, by the key in their first column; the second's other columns end in `_other`."""
    key = first.columns[0]
    second = second.rename(columns={name: name + LAST for name in second.columns[1:]})
    if first[key].equals(second[key]):
        return first.join(second.drop(columns=key))
    return first.drop_duplicates(key).merge(second.drop_duplicates(key), on=key)


def _read(folder: Path) -> pd.DataFrame:
    """Return the scores of a date: the key, probabilities or predictions, and labels."""
    tables = [arrow.parquet.ParquetFile(file).read() for file in sorted(folder.glob("*.parquet"))]
    scores: pd.DataFrame = arrow.concat_tables(tables).drop_columns(STAMP).to_pandas()
    return scores


def _kind(scores: pd.DataFrame) -> str:
    """Return "prediction", or of a classifier "probability"."""
    return str(scores.columns[1]).partition("_")[0]


def _scores(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of scores of both versions; a class that one of them does not know has the probability 0."""
    names = [name.removesuffix(LAST) for name in pairs.columns[1:] if name not in (LABEL, LABEL + LAST)]
    return pairs.reindex(columns=[name + last for name in dict.fromkeys(names) for last in ("", LAST)], fill_value=0.0)


def distances(scores: pd.DataFrame, alias: str) -> list[str]:
    """Return in lines how far apart scores are; of several classes, by the one whose probability differs most in a row.

    Args:
        scores: per class, or per prediction, a column of the first version and one of the second, whose name ends in `_other`.
        alias: of the first version.
    """
    names = [name for name in map(str, scores) if not name.endswith(LAST)]
    first = scores[names].astype("float64")
    second = scores[[name + LAST for name in names]].astype("float64").set_axis(names, axis=1)
    lines = score_distances.distances(first, second, alias)
    if len(names) == 1 and first[names[0]].nunique() > 1 and second[names[0]].nunique() > 1:
        lines.append(f"  rank correlation  {first[names[0]].rank().corr(second[names[0]].rank()):.4f}")
    return lines
