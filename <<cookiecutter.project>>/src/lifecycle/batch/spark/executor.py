"""What Spark's Python workers run. Spark sends the function itself, because the workers have no code of this project.

The version's files and code travel beside it, in an archive.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# The function below is sent by value and cannot refer to names of this module, so it repeats these numbers.
GOOD, BAD, SKIPPED = 0, 1, 2
STATE = "__state__"  # a column: whether the row is good, bad or skipped


def scoring_function(
    package: str, archive: str, options: dict[str, Any], names: list[str], columns: list[str], predict: bool
) -> Callable[[Iterator["pd.DataFrame"]], Iterator["pd.DataFrame"]]:
    """Return the function for `mapInPandas`: frames of the input in, one row for each of their rows out.

    Args:
        package: the name of the user's package.
        archive: the name of the archive.
        options: arguments of RowScorer, beside its folder.
        names: of the columns of the input.
        columns: those of the output.
        predict: whether to score rows, or only to find those that break the contract.
    """

    state_column = STATE

    def score_batches(frames: Iterator["pd.DataFrame"]) -> Iterator["pd.DataFrame"]:
        import importlib
        import sys
        from pathlib import Path

        import numpy as np
        import pandas as pd
        from pyspark import SparkFiles
        from threadpoolctl import threadpool_limits

        root = Path(SparkFiles.getRootDirectory(), archive)
        key = (str(root), str(options))
        cache = sys.__dict__.setdefault("_batch_scoring", {})  # a worker process runs one task after another
        if key not in cache:
            for name in [name for name in sys.modules if name.partition(".")[0] in ("lifecycle", package)]:
                del sys.modules[name]
            sys.path.insert(0, str(root / "code"))
            sys.modules.setdefault("pyspark.pandas", None)  # type: ignore[arg-type]  # pandera would import it
            scorer = importlib.import_module("lifecycle.batch.score_rows").RowScorer(root / "version", **options)
            cache.clear()
            cache[key] = scorer
        scorer = cache[key]

        def rows_in_state(rows: pd.DataFrame, state: int, count: int) -> pd.DataFrame:
            """Return rows with all columns; texts as Python's, because Spark does not take Arrow's in several chunks."""
            present = {
                name: pd.Series(rows[name].to_numpy(dtype=object), dtype=object)
                if rows[name].dtype.kind not in "iuf"
                else rows[name].reset_index(drop=True)
                for name in columns
                if name in rows
            }
            absent = {name: pd.Series([None] * count, dtype=object) for name in columns if name not in rows}
            states = pd.Series(np.full(count, state, dtype=np.int32))
            return pd.DataFrame({**present, **absent, state_column: states}, columns=columns)

        empty = pd.DataFrame()
        with threadpool_limits(1):  # a task has one core
            for frame in frames:
                batch = scorer.score(frame.set_axis(names, axis="columns"), predict=predict)
                good = len(frame) - len(batch.quarantine) - batch.skipped
                # Where scores are written, bad rows are only counted: their values may not fit the types of the scores.
                bad = empty if predict else batch.quarantine
                for rows, state, count in (
                    (batch.scores, 0, good), (bad, 1, len(batch.quarantine)), (empty, 2, batch.skipped)
                ):  # fmt: skip
                    if count:
                        yield rows_in_state(rows, state, count)

    return score_batches
