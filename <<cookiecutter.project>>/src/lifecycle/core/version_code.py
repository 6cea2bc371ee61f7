"""The code that a version of the model answers with: which files that is, their hash, and a copy of them.

That is the user's package, and of lifecycle the modules that scoring imports, directly or not. A change of any other module
leaves the version as it is.
"""

import ast
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml
from lifecycle.core.git import NoRepositoryError, files_at, git
from lifecycle.core.home import SRC

CODE_HASH = "code.sha256"  # tag: of the code, parameters and contract that a version answers with
ENTRY_POINTS = tuple(
    f"lifecycle/core/{name}.py" for name in ("scoring", "contract", "csv_format", "value_formats", "content_key")
)

Read = Callable[[str], bytes | None]
"""The content of a file by its path below src, or None if there is no such file."""


def answering_files(package: str, names: Iterable[str], read: Read) -> dict[str, bytes]:
    """Return the files that a version answers with, by path below src. Raises ConfigError if one is not valid Python.

    Args:
        package: the user's.
        names: paths of all files below src.
        read: returns the content of one.
    """
    files: dict[str, bytes] = {}
    pending = [
        *ENTRY_POINTS,
        *(name for name in names if name.startswith(f"{package}/") and not _is_none_of(name, package)),
    ]
    while pending:
        name = pending.pop()
        content = read(name) if name not in files else None
        if content is None:
            continue
        if name.partition("/")[0] not in (package, "lifecycle"):
            raise ConfigError(
                f"src/{package} imports src/{name}, which does not go with a version: move it into src/{package}"
            )
        files[name] = content
        pending += [f"{parent}/__init__.py" for parent in PurePosixPath(name).parents if str(parent) != "."]
        if name.endswith(".py"):
            pending += imported_paths(name, content)
    return dict(sorted(files.items()))


def imported_paths(name: str, content: bytes) -> list[str]:
    """Return the paths that the modules imported by a module have if they are in this repo."""
    try:
        nodes = [*ast.walk(ast.parse(content))]
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"src/{name}: not valid Python: {error}") from None
    paths: list[str] = []
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            package = PurePosixPath(name).parts[: -node.level] if node.level else ()
            base = ".".join([*package, *([node.module] if node.module else [])])
            modules = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            path = module.replace(".", "/")
            paths += [f"{path}.py", f"{path}/__init__.py"]
    return paths


def files(package: str, src: Path = SRC) -> dict[str, bytes]:
    """Return the files of the working tree that a version answers with, by path below src."""

    def read(name: str) -> bytes | None:
        return (src / name).read_bytes() if (src / name).is_file() else None

    return answering_files(package, _names(package, src), read)


def _names(package: str, src: Path) -> list[str]:
    """The files of the user's package by path below src: those that git has or would add, for a commit has no others."""
    try:
        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", package, folder=src)
        return listed.split("\0")[:-1]
    except NoRepositoryError:
        return [path.relative_to(src).as_posix() for path in (src / package).rglob("*") if path.is_file()]


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
    """Return the SHA-256 of what determines a version's answers beside its model: code, params.yaml and contract.yaml."""
    contents = code | {f"../{config.PARAMS}": params, f"../{config.CONTRACT}": contract}
    digests = (f"{name}\0{hashlib.sha256(contents[name]).hexdigest()}\0" for name in sorted(contents))
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def hash_here(package: str) -> str:
    """Return the code hash of the working tree. Raises ConfigError if a file is missing, or not valid Python."""
    try:
        return code_hash(files(package), config.PARAMS.read_bytes(), config.CONTRACT.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(
            f"{error.filename}: no such file; restore it with `git checkout -- {error.filename}`"
        ) from None


def hash_at(commit: str) -> str | None:
    """Return the code hash of a commit, or None if its params.yaml, contract.yaml or code are missing or cannot be read."""
    contents = files_at(commit, str(SRC), str(config.PARAMS), str(config.CONTRACT))
    try:
        params, contract = contents.pop(str(config.PARAMS)), contents.pop(str(config.CONTRACT))
        package = str(parse_yaml(params.decode(), str(config.PARAMS))["package"])
        code = {name.removeprefix(f"{SRC}/"): content for name, content in contents.items()}
        return code_hash(answering_files(package, code, code.get), params, contract)
    except (KeyError, UnicodeDecodeError, ConfigError):
        return None


def _is_none_of(name: str, package: str) -> bool:
    """Whether a file is none of the code that answers: compiled, left by an editor, or what measures the answers."""
    return name == f"{package}/metrics.py" or any(
        folder == "__pycache__" or folder.startswith(".") for folder in PurePosixPath(name).parts
    )
