"""environment.yaml: the versions of Python and of the packages that results are computed with, read from the lock.

The stages of dvc.yaml have its sections as parameters, so DVC runs a stage again if a version in them changes. A further model has a
file of its own: the packages of one estimator are not an input of another. What is installed
has to be what is locked, or the results would not be those of the file.

    python -m lifecycle.core.package_versions      exits with 2 and one line if it is not
"""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from lifecycle.core.errors import ConfigError, one_line
from lifecycle.core.home import root_of
from lifecycle.core.requirements import REQUIREMENTS, pinned_versions

ENVIRONMENT = Path("environment.yaml")
PYTHON_VERSION = Path(".python-version")
HEAD = f"""\
# What results are computed with, as {PYTHON_VERSION} and {REQUIREMENTS} say. Written by `make lock` and `make environment`, never by hand.
# The stages of dvc.yaml have these sections as parameters: they run again if a version in one of them changes.
"""
# Of each section, the packages whose versions decide on bytes that a stage writes.
SECTIONS = {
    "data": ("numpy", "pandas", "pandera", "pyarrow"),
    "model": ("joblib", "scikit-learn", "scipy", "skops", "threadpoolctl"),
    "report": ("tabulate",),
}
# By import name: those that are in a section already.
KNOWN_IMPORTS = {"sklearn", *(name for names in SECTIONS.values() for name in names)}

MEND_FILE, MEND_INSTALLED = "make environment", "make setup"

Sections = dict[str, dict[str, str]]
"""Section → name of a package → version."""


def python_version(home: Path = Path()) -> str:
    """Return the minor version of Python that the repo's results are computed with, such as 3.12."""
    match = re.match(r"(\d+\.\d+)(\.\d+)?$", _text(root_of(home) / PYTHON_VERSION).strip())
    if not match:
        raise ConfigError(f"{PYTHON_VERSION}: not a version of Python; write one such as 3.12 into it")
    return match[1]


def locked(home: Path = Path()) -> Sections:
    """Return the sections as the lock and the imports of the user's package have them.

    What model.py imports is in `model`, and so is the package of the estimator that params.yaml names; what any other module
    of the user's package imports is in `data`.
    """
    pinned = pinned_versions(_text(root_of(home) / REQUIREMENTS), python_version(home))
    names = {section: set(of_section) for section, of_section in SECTIONS.items()}
    for path in _user_modules(home):
        names["model" if path.name == "model.py" else "data"] |= _third_party(path, pinned)
    names["model"] |= _distributions(_estimator_packages(home), pinned)
    names["model"] -= names["data"]
    if missing := sorted(name for of_section in names.values() for name in of_section if name not in pinned):
        raise ConfigError(f"{REQUIREMENTS} does not pin {missing[0]}: add it to pyproject.toml, then make lock setup")
    return {section: {name: pinned[name] for name in sorted(of_section)} for section, of_section in names.items()}


def text_of(sections: Sections, python: str) -> str:
    """Return the content of environment.yaml."""
    lines = [f'python: "{python}"']
    for section, versions in sections.items():
        lines += [f"{section}:", *(f'  {name}: "{number}"' for name, number in versions.items())]
    return HEAD + "\n".join(lines) + "\n"


def recorded(home: Path = Path()) -> dict[str, str]:
    """Return name → version of what environment.yaml lists. Raises ConfigError if there is no such file."""
    return versions_in(_text(home / ENVIRONMENT))


def versions_in(text: str) -> dict[str, str]:
    """Return name → version of what an environment.yaml lists, Python first, without its sections."""
    return dict(re.findall(r'^ *([\w.-]+): "(.+)"$', text, flags=re.MULTILINE))


def differences(home: Path = Path()) -> list[str]:
    """Return how this process's environment, environment.yaml and the lock differ, a line each, with the command that mends it.

    Raises ConfigError if one of the files is missing or cannot be read.
    """
    return _not_as_locked(home) or _not_as_installed(recorded(home), f"{REQUIREMENTS} has")


def differences_from_version(folder: Path) -> list[str]:
    """Return how this process's environment differs from the one that a version was made with, a line each.

    `folder` holds the version's files; a version logged before versions were recorded has no environment.yaml.
    """
    path = folder / ENVIRONMENT
    if not path.exists():
        return ["it does not say which versions of packages it was made with"]
    lines = _not_as_installed(versions_in(path.read_text(encoding="utf-8")), "it was made with")
    return [line.removesuffix(f": {MEND_INSTALLED}") for line in lines]


def check(home: Path = Path()) -> None:
    """Raise ConfigError with the first difference between what is installed, environment.yaml and the lock."""
    if lines := differences(home):
        others = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        first, _, command = lines[0].rpartition(": ")
        raise ConfigError(f"{first}{others}: {command}")


def _not_as_locked(home: Path) -> list[str]:
    """How environment.yaml differs from what the lock says now."""
    text = (home / ENVIRONMENT).read_text(encoding="utf-8") if (home / ENVIRONMENT).exists() else ""
    expected = text_of(locked(home), python_version(home))
    if text == expected:
        return []
    old, new = versions_in(text), versions_in(expected)
    lines = [
        f"{PYTHON_VERSION if name == 'python' else REQUIREMENTS} has {name} {new.get(name, 'in no section')}, "
        f"{ENVIRONMENT} {old.get(name, 'does not have it')}: {MEND_FILE}"
        for name in sorted(old | new)
        if old.get(name) != new.get(name)
    ]
    return lines or [f"{ENVIRONMENT} is not as `{MEND_FILE}` writes it: {MEND_FILE}"]


def _not_as_installed(versions: dict[str, str], says: str) -> list[str]:
    """How what is installed differs from some versions; `says` introduces such a version in the line."""
    lines = []
    for name, number in versions.items():
        present = f"{sys.version_info[0]}.{sys.version_info[1]}" if name == "python" else _installed(name)
        if present != number:
            is_there = f"{name} is not installed" if present is None else f"{name} {present} is installed"
            is_there = f"Python {present} is running" if name == "python" else is_there
            source = f"{PYTHON_VERSION} has" if name == "python" and says.startswith(str(REQUIREMENTS)) else says
            lines.append(f"{is_there}, {source} {number}: {MEND_INSTALLED}")
    return lines


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _user_modules(home: Path) -> Iterator[Path]:
    match = re.search(r"^package: *[\"']?(\w+)", _text(home / "params.yaml"), flags=re.MULTILINE)
    yield from sorted((root_of(home) / "src" / match[1]).rglob("*.py")) if match else []


def _estimator_packages(home: Path) -> set[str]:
    """The top-level package of the estimator, if params.yaml names an import path."""
    match = re.search(r"^  estimator: *[\"']?(\w+)\.", _text(home / "params.yaml"), flags=re.MULTILINE)
    return {match[1]} if match else set()


def _third_party(path: Path, pinned: dict[str, str]) -> set[str]:
    """The packages of the lock that a module imports."""
    imported: set[str] = set()
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return set()  # whoever imports it says so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module.partition(".")[0])
    return _distributions(imported - {path.parent.name}, pinned)


def _distributions(imported: set[str], pinned: dict[str, str]) -> set[str]:
    """The packages of the lock that modules of these top-level names are from, but for those in a section already."""
    if not (others := imported - KNOWN_IMPORTS - sys.stdlib_module_names - {"lifecycle"}):
        return set()
    distributions = packages_distributions()  # slow, so only where it is needed
    names = {re.sub(r"[-_.]+", "-", name).lower() for other in others for name in distributions.get(other, [other])}
    return names & pinned.keys()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        mend = MEND_FILE if path.name == ENVIRONMENT.name else f"git checkout -- {path.name}"
        raise ConfigError(f"{path.name}: no such file: {mend}") from None


if __name__ == "__main__":
    with one_line():
        check()
