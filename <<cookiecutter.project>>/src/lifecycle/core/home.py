"""The folder of the model that a process is about, and what all models of the repo share.

The model without a name has its files at the top of the repo, a further one in models/NAME. Either folder is the working
directory of whoever works on the model: the command line goes there for `--model NAME`, and DVC runs the stages of
models/NAME/dvc.yaml there. So a model's own files are named as they are at the top, and what is shared relative to ROOT.
"""

import os
from pathlib import Path

MODELS = Path("models")
PARAMS, LOCK = "params.yaml", "dvc.lock"


def root_of(home: Path = Path()) -> Path:
    """Return the top of the repo that a model's folder belongs to: the folder itself but for a further model's."""
    above = Path(os.path.normpath(home / "../.."))
    is_further = home.resolve().parent.name == MODELS.name and not (home / ".dvc").exists()
    return above if is_further and (above / PARAMS).is_file() else home


ROOT = root_of()
"""From the working directory: Path() or Path("../..")."""
NAME = "" if Path() == ROOT else Path.cwd().name
"""Of the model; empty for the one at the top."""
SRC = ROOT / "src"
TEMPORARY = ROOT / ".dvc/tmp"


def at_root(folder: Path) -> Path:
    """Return the top of a checkout in which `folder` is the folder of this process's model."""
    return Path(os.path.normpath(folder / ROOT))
