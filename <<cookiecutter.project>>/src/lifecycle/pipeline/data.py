"""Raw file and contract in; data/interim/dataset.parquet out: parsed, typed by the contract, without repeated rows.

This stage refuses only what cannot be read with the contract's types; `validate` checks the values.
"""

import pandas as pd

from lifecycle.core import config, contract
from lifecycle.core.config import Data
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import write_parquet
from lifecycle.core.raw_table import read_raw
from lifecycle.pipeline import run


def labelled(frame: pd.DataFrame, data: Data) -> pd.DataFrame:
    """Return the rows that have a target, if those without one are to be left out (data.unlabelled); else all rows."""
    if not data.unlabelled or data.target not in frame or frame[data.target].notna().all():
        return frame
    return frame[frame[data.target].notna()].reset_index(drop=True)


def drop_repeated_rows(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the table, in its order, without rows that equal an earlier one in every column."""
    suspects = frame[frame[key].duplicated(keep=False)]  # equal rows have equal keys: only those are compared in full
    return frame.drop(index=suspects.index[suspects.duplicated()]).reset_index(drop=True)


def main() -> str:
    params = config.load()
    schema = contract.load(config.CONTRACT, params.package)
    raw = read_raw(params.data.raw, schema, params.data)
    if params.data.id not in raw:
        raise ConfigError(f"params.yaml: data.id {params.data.id!r} is not a column of {config.CONTRACT}")
    rows = labelled(raw, params.data)
    if rows.empty:
        raise DataError(
            f"{params.data.raw}: column {params.data.target}: no row has a value, so there is nothing to learn from"
        )
    frame = drop_repeated_rows(rows, params.data.id)
    write_parquet(frame, config.DATASET)
    without_target = f"left out {len(raw) - len(rows):,} without a target, " if params.data.unlabelled else ""
    return (
        f"read {len(raw):,} rows × {raw.shape[1]} columns from {params.data.raw}, {without_target}"
        f"dropped {len(rows) - len(frame):,} repeated; wrote {config.DATASET}"
    )


if __name__ == "__main__":
    run("data", main)
