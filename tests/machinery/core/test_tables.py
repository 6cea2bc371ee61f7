import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.core import tables
from lifecycle.core.tables import markdown_table, text_table


def test_a_bar_or_a_line_break_does_not_end_a_cell_of_markdown() -> None:
    table = markdown_table(["name", "value"], [["a|b", "1"], ["c\\|d", "2\n3"]], ["left", "right"])

    assert table.splitlines() == ["| name | value |", "| --- | ---: |", r"| a\|b | 1 |", r"| c\|d | 2 3 |"]


@pytest.mark.parametrize("rows", [[], [["", "1.50"], ["a longer name", ""]]])
def test_text_stands_in_columns_as_it_is(rows: list[list[str]]) -> None:
    lines = text_table(["name", "value"], rows).splitlines()

    width = max(len(row[0]) for row in [["name"], *rows]) + 2
    assert [[line[:width].rstrip(), line[width:]] for line in lines] == [["name", "value"], *rows]


def test_markdown_needs_the_standard_library_only() -> None:
    script = f"import runpy; print(runpy.run_path({str(Path(tables.__file__))!r})['markdown_table'](['a'], []))"

    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "| a |\n| --- |\n"
