"""The machinery of the project, pipeline, gate and other parts: the same in every repo, and updated from the template."""

import sys
import warnings
from pathlib import Path
from typing import TextIO

LIFECYCLE = Path(__file__).resolve().parent
ACTIONABLE = "ConvergenceWarning"  # of scikit-learn, which is not imported for its name


def show_actionable(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as one line if it is about the user's code or model. What libraries say of each other is left out."""
    path, text = Path(filename).resolve(), " ".join(str(message).split())
    if category.__name__ == ACTIONABLE:
        print(f"warning: {text}", file=file or sys.stderr)
    elif path.is_relative_to(LIFECYCLE.parent) and not path.is_relative_to(LIFECYCLE):
        print(f"warning: src/{path.relative_to(LIFECYCLE.parent)}, line {lineno}: {text}", file=file or sys.stderr)


warnings.showwarning = show_actionable
