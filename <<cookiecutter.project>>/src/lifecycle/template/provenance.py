""".template.json: which template this repo was made from, with which answers, and git's hash of what was rendered."""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ConfigError

PATH = Path(".template.json")
FOLDER = Path(".dvc/tmp/template")  # for what an update needs while it runs


@dataclass(frozen=True)
class Record:
    """What a render was made from."""

    template: str
    """Its address: of a git repository, a folder or a zip file."""
    version: str | None
    commit: str | None
    """Of the template; None if it was not a git repository."""
    cookiecutter: str
    """The version of cookiecutter that rendered it."""
    answers: dict[str, Any]
    tree: str
    """Git's hash of the rendered files, without this record."""

    @property
    def name(self) -> str:
        """The version and the commit, for people."""
        return name_of(self.version, self.commit)

    def text(self) -> str:
        """Return the content of .template.json."""
        return json.dumps({**asdict(self), "answers": dict(sorted(self.answers.items()))}, indent=2) + "\n"


def record(address: str, number: str | None, commit: str | None, context: dict[str, Any], tree: str) -> Record:
    """Return the record of a render.

    Args:
        address: of the template.
        number: of its version.
        commit: of the template.
        context: what cookiecutter rendered with; settings of its own start with `_`, the others are answers.
        tree: git's hash of the rendered files.
    """
    answers = {name: answer for name, answer in context.items() if not name.startswith("_")}
    return Record(address, number, commit, version("cookiecutter"), answers, tree)


def read(path: Path = PATH) -> Record:
    """Return the record of this repo. Raises ConfigError if it is missing, or is not one."""
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file; `template-link ADDRESS` finds the version of the template that this repo was made from"
        ) from None
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{path}: not a record of the template ({error}); restore it with `git checkout -- {path}`"
        ) from None


def name_of(version: str | None, commit: str | None) -> str:
    """Return how a version of the template is named to people, such as `0.4.0 (3d68926)`."""
    return f"{version or 'unversioned'} ({(commit or 'not in git')[:9]})"
