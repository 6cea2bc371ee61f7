"""The user's package. Its name is `package` in params.yaml; no other module imports it."""

import ast
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from lifecycle.core.errors import ConfigError


def load(package: str, module: str) -> ModuleType:
    """Return a module of the user's package: `features`, `model` or `checks`.

    Raises ConfigError if there is no such module, it is not valid Python, or it imports what is not installed.
    """
    name, path = f"{package}.{module}", f"src/{package}/{module}.py"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name in (package, name):
            raise ConfigError(f"params.yaml: package is {package}, but there is no {path}") from None
        message = f"{path} needs {error.name}, which is not installed: add it to pyproject.toml, then make lock setup"
        raise ConfigError(message) from error
    except SyntaxError as error:
        raise ConfigError(f"{error.filename}, line {error.lineno}: {error.msg}") from None


def get(package: str, module: str, name: str) -> Any:
    """Return what a module of the user's package defines. Raises ConfigError if it does not."""
    try:
        return getattr(load(package, module), name)
    except AttributeError:
        raise ConfigError(f"src/{package}/{module}.py does not define {name}, which lifecycle uses") from None


def description(package: str) -> str:
    """Return what the model is for: the docstring of the user's package, as one line. Its code is read, not run."""
    spec = importlib.util.find_spec(package)
    source = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    return " ".join((ast.get_docstring(ast.parse(source)) or package).split()).rstrip(".") + "."
