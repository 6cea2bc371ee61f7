"""A table of any length from the Telco table: rows drawn with replacement, ids numbered anew, written as CSV.

`python bench/resample.py FILE ROWS` replaces FILE. The benchmark starts it as a process, so as to stay small itself.
"""

import sys
from pathlib import Path

from measure import run

ID, SEED, CHUNK = "customer_id", 0, 500_000


def resample_in(path: Path, rows: int) -> None:
    """Replace a CSV file by one of so many rows, in another process."""
    run(["python", str(Path(__file__).resolve()), str(path), str(rows)], path.parent)


def resample(path: Path, rows: int) -> None:
    """Replace a CSV file by one of so many rows drawn from it; the same file and rows give the same bytes."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    source = csv.read_csv(path).combine_chunks()
    generator = np.random.default_rng(SEED)
    path.unlink()  # it may be a link into DVC's cache
    unquoted = csv.WriteOptions(quoting_style="none")
    with csv.CSVWriter(path, source.schema, write_options=unquoted) as writer:
        for first in range(0, rows, CHUNK):
            numbers = np.arange(first, min(first + CHUNK, rows))
            drawn = source.take(pa.array(generator.integers(0, source.num_rows, len(numbers))))
            ids = pc.binary_join_element_wise("C", pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), 5, "0"), "")
            writer.write_table(drawn.set_column(source.schema.get_field_index(ID), ID, ids))


if __name__ == "__main__":
    resample(Path(sys.argv[1]), int(sys.argv[2]))
