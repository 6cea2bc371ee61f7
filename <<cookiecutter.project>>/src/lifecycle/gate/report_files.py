"""The changed files that a reviewer should read with care, each with the reason why.

Standard library only, as report.py.
"""

import re
from fnmatch import fnmatchcase

from lifecycle.core.markdown import counted
from lifecycle.gate.report_tables import MAX_ROWS

MAX_NAME = 80  # characters of a file's name

# The first pattern that fits names the reason; * stands for any characters, also for slashes.
WHY = {
    "gates.yaml": "the limits",
    "contract.yaml": "which data is accepted",
    "params.yaml": "the settings of the pipeline",
    "*.dvc": "data that DVC puts into the tree",
    ".dvc/*": "where DVC has its data from",
    ".dvcignore": "what DVC does not see",
    ".git*/*": "the workflows, and what they run",
    ".gitlab-ci.yml": "the workflows, and what they run",
    ".git*": "what git changes or leaves out when it checks files out",
    "*dvc.yaml": "what the stages run, and what they depend on",
    "src/lifecycle/gate/*": "the gate itself",
    "src/lifecycle/pipeline/*": "how models are trained and measured",
    "src/lifecycle/*": "code that stages and the gate run",
    "src/*/checks.py": "checks of the data",
    "src/*/metrics.py": "what your own metrics measure",
    "src/*": "code that stages may run",
    "requirements*.txt": "the packages that results are computed with",
    "environment.yaml": "the packages that results are computed with",
    ".python-version": "the packages that results are computed with",
    "pyproject.toml": "the packages that are installed",
    "Makefile": "the commands that workflows run",
    "scripts/*": "the commands that workflows run",
    "*.py": "code that Python may import",
}
OTHERWISE = "not a file that a model's pull request is expected to change"


def review(files: list[str]) -> list[str]:
    """Return what to say of the files that affect the verdict, a line each."""
    if not files:
        return []
    verb, pronoun = ("affects", "it") if len(files) == 1 else ("affect", "them")
    lines = [
        f"This branch changes {counted(len(files), 'file')} that {verb} how the model is judged; review {pronoun} with care:"
    ]
    lines += [f"{name[:MAX_NAME]}: {_why(name)}" for name in files[:MAX_ROWS]]
    return lines + ([f"and {len(files) - MAX_ROWS} more"] if len(files) > MAX_ROWS else [])


def _why(name: str) -> str:
    while name.startswith("../"):  # above a project in a subfolder
        name = name.removeprefix("../")
    name = re.sub(r"^models/[^/]+/(?=.)", "", name)  # a further model has files like those at the top
    return next((why for pattern, why in WHY.items() if fnmatchcase(name, pattern)), OTHERWISE)
