"""Refuse notebooks that hold output, or take it out: `python scripts/notebooks.py [--clear]`. Output may show data, and cannot be reviewed."""

import json
import sys
from pathlib import Path
from typing import Any


def cleared(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without output, numbers and times of runs, and the version of Python."""
    cells = [dict(cell) for cell in notebook["cells"]]
    for cell in cells:
        cell["metadata"] = {name: value for name, value in cell["metadata"].items() if name != "execution"}
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    metadata = {name: value for name, value in notebook["metadata"].items() if name != "language_info"}
    return notebook | {"cells": cells, "metadata": metadata}


def main() -> int:
    code = 0
    for path in sorted(Path("notebooks").rglob("[!.]*.ipynb")):
        before = json.loads(path.read_text(encoding="utf-8"))
        after = cleared(before)
        if before == after:
            continue
        if "--clear" in sys.argv:
            path.write_text(json.dumps(after, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        else:
            print(f"{path} holds output, or what a run left in it: `make format` takes it out", file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
