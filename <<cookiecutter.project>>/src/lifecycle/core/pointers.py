"""What .dvc files put into the working tree, checked before DVC fetches it: data only, below data/ or models/NAME/data/.

DVC writes wherever a .dvc file, or the list of a folder's files, says: also over code, which runs before anyone judges it.

    python -m lifecycle.core.pointers [dvc.lock]      exits with 2 and one line if something else than data would be written
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from lifecycle.core import config
from lifecycle.core.dvc import cache_folder, dvc
from lifecycle.core.dvc_files import Stages, outs_of, stages_here
from lifecycle.core.errors import ConfigError, one_line
from lifecycle.core.files import parse_yaml
from lifecycle.core.git import git
from lifecycle.core.home import MODELS, ROOT

DATA = "data"
EMBEDDED = ".dvc/embedded"
OF_ONE_CHECKOUT = (".dvc/tmp/", ".dvc/cache/", ".dvc/config.local")  # DVC and make act on them
LINK = "120000"  # mode in a git tree
FOLDER = ".dir"  # how the hash of a list of files ends

Listing = Callable[[str, str], bytes | None]
"""Path and MD5 of a folder in, the list of its files out: JSON, or None if nobody has it."""


def problems(
    modes: Mapping[str, str], pointers: Mapping[str, bytes], outs: Iterable[Any], listing: Listing
) -> list[str]:
    """Return what DVC would put elsewhere than below data/, a sentence each.

    Args:
        modes: of all files, by name.
        pointers: the .dvc files: name and content.
        outs: what dvc.lock has of outputs.
        listing: finds the lists of folders.

    Raises ConfigError if one is not a .dvc file.
    """
    links = {name for name, mode in modes.items() if mode == LINK and (name.endswith(".dvc") or _in_data(name))}
    sentences = [
        f"{name} is a link, through which DVC would write: put the file itself there" for name in sorted(links)
    ]
    sentences += [
        f"{name} belongs to one checkout, not into git: git rm --cached {name}"
        for name in modes
        if name.startswith(OF_ONE_CHECKOUT)
    ]
    for name, content in pointers.items():
        if name in links:
            continue
        for path, out in _outs(name, content):
            if not _is_data(path):
                sentences.append(
                    f"{name} puts {path} into the working tree: a .dvc file may only bring files below data/"
                )
            elif relative := _leads_out(path, out, listing):
                sentences.append(
                    f"{name} puts {relative} beside its folder {path}: a .dvc file may only bring files below it"
                )
    for out in outs:
        if relative := _leads_out(out["path"], out, listing):
            sentences.append(
                f"{config.LOCK} puts {relative} beside the folder {out['path']}: restore it from an earlier commit"
            )
    return sentences


def outputs(name: str, content: bytes) -> list[tuple[str, str]]:
    """Return path and MD5 of each output of a .dvc file; a path is relative to the project, or begins with .. or / outside of it.

    Raises ConfigError if it is not a .dvc file.
    """
    return [(path, str(out.get("md5") or "")) for path, out in _outs(name, content)]


def stored(md5: str, folder: Path) -> bytes | None:
    """Return the object that a storage, such as DVC's cache, has under a hash."""
    path = folder / "files" / "md5" / md5[:2] / md5[2:]
    return path.read_bytes() if path.is_file() else None


def check(with_lock: bool) -> None:
    """Raise ConfigError with the first thing that DVC would put elsewhere than below data/, in the working tree as it is.

    With the lock, what it names as outputs counts as well; lists of folders that are not here yet are fetched, with the folders.
    """
    entries = [line.split("\t", 1) for line in git("ls-files", "--stage", "-z").split("\0") if line]
    modes = {name: about.split()[0] for about, name in entries}
    pointers = {name: Path(name).read_bytes() for name in modes if name.endswith(".dvc") and Path(name).is_file()}
    stages = Stages()
    with suppress(ConfigError):  # a lock that is missing or cannot be read: DVC takes nothing from it either
        stages = stages_here() if with_lock else {}
    outs = [out for stage in stages.values() for out in stage.get("outs", []) if not _in_git(out["path"], modes)]
    if lines := problems(modes, pointers, outs, _listing):
        raise ConfigError(lines[0])


def _listing(path: str, md5: str) -> bytes | None:
    """The list of a folder's files, from wherever DVC has it."""
    here = stored(md5, ROOT / EMBEDDED) or stored(md5, cache_folder())
    if here is None:
        dvc("fetch", "--quiet", path)
    return here or stored(md5, cache_folder())


def _outs(name: str, content: bytes) -> list[tuple[str, Any]]:
    """Path and entry of each output of a .dvc file."""
    text = content.decode("utf-8", errors="replace")
    outs = outs_of(text, name)
    wdir = str(parse_yaml(text, name).get("wdir") or ".")
    folder = PurePosixPath(name).parent / wdir
    return [(os.path.normpath(folder / out["path"]), out) for out in outs]


def _leads_out(path: str, out: Any, listing: Listing) -> str:
    """The first file of a folder that would lie outside of it, or nothing."""
    md5, lists = str(out.get("md5") or ""), [out.get("files")]
    if md5.endswith(FOLDER):
        with suppress(ValueError, RecursionError):  # of a list that DVC refuses
            lists.append(json.loads(listing(path, md5) or b"[]"))
    files = [file for files in lists if isinstance(files, list) for file in files if isinstance(file, dict)]
    names = [str(file.get("relpath", "")) for file in files]
    return next((name for name in names if name.startswith("/") or ".." in PurePosixPath(name).parts), "")


def _is_data(path: str) -> bool:
    """Whether a path lies below the data/ of a model."""
    return _in_data(path) and len(_inside_model(path)) > 1


def _in_data(name: str) -> bool:
    return _inside_model(name)[:1] == (DATA,)


def _inside_model(name: str) -> tuple[str, ...]:
    """The parts of a path from the folder of the model on that it belongs to."""
    parts = PurePosixPath(name).parts
    return parts[2:] if parts[0] == MODELS.name and len(parts) > 2 else parts


def _in_git(path: str, modes: Mapping[str, str]) -> bool:
    return any(name == path or name.startswith(f"{path}/") for name in modes)


if __name__ == "__main__":
    with one_line():
        check(with_lock=sys.argv[1:] == [str(config.LOCK)])
