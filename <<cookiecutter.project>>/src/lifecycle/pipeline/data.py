"""Raw file and contract in; data/interim/dataset.parquet out: parsed, typed by the contract, without repeated rows.

This stage refuses only what cannot be read with the contract's types; `validate` checks the values.
"""

import pandas as pd

from lifecycle.core import config, contract
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import write_parquet
from lifecycle.core.raw_table import read_and_count
from lifecycle.pipeline import run


def drop_repeated_rows(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the table, in its order, without rows that equal an earlier one in every column."""
    suspects = frame[frame[key].duplicated(keep=False)]  # equal rows have equal keys: only those are compared in full
    return frame.drop(index=suspects.index[suspects.duplicated()]).reset_index(drop=True)


def main() -> str:
    params = config.load()
    schema = contract.load(config.CONTRACT, params.package)
    rows, unlabelled = read_and_count(params.data.raw, schema, params.data)
    if params.data.id not in rows:
        raise ConfigError(f"params.yaml: data.id {params.data.id!r} is not a column of {config.CONTRACT}")
    frame = drop_repeated_rows(rows, params.data.id)
    write_parquet(frame, config.DATASET)
    without_target = f"left out {unlabelled:,} without a target, " if params.data.unlabelled else ""
    return (
        f"read {len(rows) + unlabelled:,} rows × {rows.shape[1]} columns from {params.data.raw}, {without_target}"
        f"dropped {len(rows) - len(frame):,} repeated; wrote {config.DATASET}"
    )


if __name__ == "__main__":
    run("data", main)
