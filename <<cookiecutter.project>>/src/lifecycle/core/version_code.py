"""The code that a version of the model answers with: which files that is, their hash, and a copy of them.

That is the user's package, and of lifecycle the modules that answering imports, directly or not. A change of any other module
leaves the version what it is.
"""

import ast
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from lifecycle.core import config

CODE_HASH = "code.sha256"  # tag: of the code, parameters and contract that a version answers with
ANSWERING = ("lifecycle/core/scoring.py", "lifecycle/core/contract.py")
SRC = Path(__file__).parents[2]

Read = Callable[[str], bytes | None]
"""The content of a file by its path below the folder of the packages, or None if there is no such file."""


def answering_files(package: str, names: Iterable[str], read: Read) -> dict[str, bytes]:
    """Return the files that a version answers with, by path below the folder of the packages.

    Args:
        package: the user's.
        names: paths of all files below that folder.
        read: returns the content of one.
    """
    users = [name for name in names if name.startswith(f"{package}/") and "__pycache__" not in name]
    found: dict[str, bytes] = {}
    pending = [*ANSWERING, *users]
    while pending:
        name = pending.pop()
        content = read(name) if name not in found else None
        if content is None:
            continue
        found[name] = content
        pending += [f"{parent}/__init__.py" for parent in PurePosixPath(name).parents if str(parent) != "."]
        if name.endswith(".py"):
            pending += imported(content)
    return dict(sorted(found.items()))


def imported(content: bytes) -> list[str]:
    """Return the paths of the modules that a module may import; those of other distributions exist nowhere in this repo."""
    paths: list[str] = []
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            base = module.replace(".", "/")
            paths += [f"{base}.py", f"{base}/__init__.py"]
    return paths


def files(package: str, src: Path = SRC) -> dict[str, bytes]:
    """Return the files that a version answers with, as they are in a folder of packages."""

    def read(name: str) -> bytes | None:
        return (src / name).read_bytes() if (src / name).is_file() else None

    names = [path.relative_to(src).as_posix() for path in (src / package).rglob("*") if path.is_file()]
    return answering_files(package, names, read)


def copy(package: str, target: Path) -> list[Path]:
    """Copy the files that a version answers with into a folder. Returns the packages there."""
    for name, content in files(package).items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return sorted(target.iterdir())


def copied(folder: Path) -> dict[str, bytes]:
    """Return the files in a folder that `copy` has filled."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def code_hash(code: dict[str, bytes], params: bytes, contract: bytes) -> str:
    """Return the SHA-256 of what decides on a version's answers beside its model: code, params.yaml and contract.yaml."""
    parts = code | {f"../{config.PARAMS}": params, f"../{config.CONTRACT}": contract}
    digests = (f"{name}\0{hashlib.sha256(parts[name]).hexdigest()}\0" for name in sorted(parts))
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def hash_here(package: str, root: Path = Path()) -> str:
    """Return the code hash of this checkout."""
    return code_hash(files(package), (root / config.PARAMS).read_bytes(), (root / config.CONTRACT).read_bytes())
