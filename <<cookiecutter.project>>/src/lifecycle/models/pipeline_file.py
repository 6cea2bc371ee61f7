"""dvc.yaml of a further model: the one at the top, with what all models share named from the model's folder."""

import re

from lifecycle.core.home import SRC
from lifecycle.core.model_folders import owner_of

UP = "../../"  # from models/NAME to the top
HEAD = (
    "# Written by `model pipeline` from the dvc.yaml at the top: change that one, and run `model pipeline` again.\n\n"
)
STAGES = re.compile(r"^stages:$", flags=re.MULTILINE)
ITEM = re.compile(r"^( +- )([\w.${}-]+/[^\s:]*)", flags=re.MULTILINE)


def pipeline_of_model(top: str, package_at_top: str, package: str) -> str:
    """Return the dvc.yaml of a model in models/NAME.

    Args:
        top: the text of the dvc.yaml at the top.
        package_at_top: the user's package of the model at the top.
        package: that of the model.
    """
    start = STAGES.search(top)
    text = top[start.start() :] if start else top
    text = text.replace(f"PYTHONPATH={SRC} ", f"PYTHONPATH={UP}{SRC} ")
    text = text.replace(f"- {SRC}/{package_at_top}/", f"- {SRC}/{package}/")
    return HEAD + ITEM.sub(_from_folder, text)


def _from_folder(item: re.Match[str]) -> str:
    """An entry of a list that is a path, as it is named from a model's folder."""
    indent, path = item.groups()
    is_shared = not path.startswith("$") and owner_of(path, []) is None
    return f"{indent}{UP if is_shared else ''}{path}"
