"""The user's package. Its name is `package` in params.yaml; no other module imports it."""

import importlib
from types import ModuleType

from lifecycle.core.errors import ConfigError


def load(package: str, module: str) -> ModuleType:
    """Return a module of the user's package: `features`, `model` or `checks`.

    Raises ConfigError if there is no such module.
    """
    name = f"{package}.{module}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in (package, name):  # a module that the user's code imports
            raise
        raise ConfigError(f"params.yaml: package is {package}, but there is no src/{package}/{module}.py") from None


def description(package: str) -> str:
    """Return what the model is for: the docstring of the user's package, as one line."""
    return " ".join((importlib.import_module(package).__doc__ or package).split()).rstrip(".") + "."
