"""requirements.txt in an update: the template's, with what the user has added or chosen otherwise; never merged as text."""

import re
import shutil
import subprocess
from pathlib import Path

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import environment

NAMES = ("requirements.txt", "requirements.lock")  # today's, and that of versions until 0.3
COMMAND = "uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-header --no-annotate --quiet"


def packages(text: str) -> dict[str, str]:
    """Return the name of each package that a lock pins, with its lines; a name stands once for each marker."""
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    named: dict[str, str] = {}
    for block in blocks:
        name = re.split(r"[=\[ ]", block)[0]
        named[name] = named.get(name, "") + block
    return named


def bring(old: Path, new: Path, present: dict[str, bytes]) -> bool:
    """Write the lock into both renders, so that their difference leads from the user's to the new one.

    The new one is the template's, with the pins that the user has added or chosen otherwise. Returns whether there are any.

    Args:
        old: the render that the repo was made from.
        new: the render that it is renewed to.
        present: the files of the repo, by path.
    """
    (old_name,) = (name for name in NAMES if (old / name).exists())
    (new_name,) = (name for name in NAMES if (new / name).exists())
    if old_name not in present:  # the user has deleted it
        (old / old_name).unlink()
        (new / new_name).unlink()
        return False
    former = (old / old_name).read_text(encoding="utf-8")
    try:
        users = present[old_name].decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{old_name}: not UTF-8 ({error.reason}): restore it, or make lock") from None
    mine, theirs = packages(users), packages(former)
    changed = {name: block for name, block in mine.items() if theirs.get(name) != block}
    combined = packages((new / new_name).read_text(encoding="utf-8")) | changed
    (old / old_name).write_bytes(present[old_name])
    (new / new_name).write_text("".join(block for _, block in sorted(combined.items())), encoding="utf-8")
    return bool(changed)


def resolve(folder: Path, new: Path) -> str | None:
    """Resolve the lock for the pyproject.toml of a folder, keeping the versions it has where they fit, and write it into the new
    render. Returns why it could not be resolved, or None."""
    if not (folder / NAMES[0]).exists() or not (folder / "pyproject.toml").exists():
        return None
    done = subprocess.run(
        [*COMMAND.split(), "--output-file", NAMES[0]], cwd=folder, env=environment(), capture_output=True, text=True
    )
    if done.returncode:
        return " ".join(done.stderr.split())[:300]
    shutil.copyfile(folder / NAMES[0], new / NAMES[0])
    return None
