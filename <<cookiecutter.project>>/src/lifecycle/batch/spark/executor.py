"""What Spark's Python workers run: it is sent to them as it stands here, for they have no code of this project.

What they need of the version (its files, its code) comes beside it as an archive.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# The function below is sent as it stands: it may name nothing of this module, so it has these as numbers.
GOOD, BAD, SKIPPED = 0, 1, 2
STATE = "__state__"  # a column: what became of the row


def judging(
    package: str, archive: str, options: dict[str, Any], columns: list[str], score: bool = True
) -> Callable[[Iterator["pd.DataFrame"]], Iterator["pd.DataFrame"]]:
    """Return the function for `mapInPandas`: frames of the input in, one row for each of theirs out.

    Args:
        package: the name of the user's package.
        archive: the name of the archive that was sent along.
        options: of Rows, besides its folder.
        columns: of the output.
        score: whether to ask the model, or only to find the rows that break the contract.
    """

    of_state = STATE

    def judge(frames: Iterator["pd.DataFrame"]) -> Iterator["pd.DataFrame"]:
        import importlib
        import sys
        from pathlib import Path

        import numpy as np
        import pandas as pd
        from pyspark import SparkFiles
        from threadpoolctl import threadpool_limits

        root = Path(SparkFiles.getRootDirectory(), archive)
        key = (str(root), str(options))
        held = sys.__dict__.setdefault("_batch_scoring", {})  # a worker runs one task after the other
        if key not in held:
            for name in [name for name in sys.modules if name.partition(".")[0] in ("lifecycle", package)]:
                del sys.modules[name]
            sys.path.insert(0, str(root / "code"))
            sys.modules.setdefault("pyspark.pandas", None)  # type: ignore[arg-type]  # pandera would import it
            rows = importlib.import_module("lifecycle.batch.score_rows").Rows(root / "version", **options)
            held.clear()
            held[key] = rows
        rows = held[key]

        def part(found: pd.DataFrame, state: int, count: int) -> pd.DataFrame:
            """The rows of a state with all columns, texts as Python's: Arrow's may be in pieces, which Spark does not take."""
            given = {
                name: pd.Series(found[name].to_numpy(dtype=object), dtype=object)
                if found[name].dtype.kind not in "iuf"
                else found[name].reset_index(drop=True)
                for name in columns
                if name in found
            }
            absent = {name: pd.Series([None] * count, dtype=object) for name in columns if name not in found}
            states = pd.Series(np.full(count, state, dtype=np.int32))
            return pd.DataFrame({**given, **absent, of_state: states}, columns=columns)

        nothing = pd.DataFrame()
        with threadpool_limits(1):  # a task has one core
            for frame in frames:
                judged = rows.judge(frame, score=score)
                good = len(frame) - len(judged.bad) - judged.skipped
                # Bad rows only count where scores are written: what is in them may be of no type of the scores'.
                parts = ((judged.scores, 0, good), (nothing if score else judged.bad, 1, len(judged.bad)))
                for found, state, count in (*parts, (nothing, 2, judged.skipped)):
                    if count:
                        yield part(found, state, count)

    return judge
