"""MLflow's registry over HTTP without the rest of MLflow, whose import takes several times as long as a command of the registry.

`import mlflow.MODULE` first runs `mlflow/__init__.py`, which imports pandas and all of MLflow. Here the two packages with such code
stand empty while a block runs; after it MLflow is as if it had not been imported.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.metadata import version
from types import ModuleType

EMPTY = ("mlflow", "mlflow.tracking")  # packages whose own code is not run
_modules: dict[str, ModuleType] = {}  # what earlier blocks have imported


@contextmanager
def slim_mlflow() -> Iterator[bool]:
    """Let the block import the modules of MLflow that RestClient needs, and only those.

    Yields whether that is possible: not if MLflow is imported already, or if it is one in which they need the rest.
    """
    possible = "mlflow" not in sys.modules and _import()
    try:
        yield possible
    finally:
        if possible:
            _put_away()


def _import() -> bool:
    """Import for the block what RestClient needs, or put it back; return whether it is there."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    if _modules:
        sys.modules.update(_modules)
        return True
    try:
        _make_empty()
        import mlflow.store.model_registry.rest_store
        import mlflow.tracking.request_header.registry
        import mlflow.utils.credentials  # noqa: F401
    except Exception:  # whatever another MLflow raises where something has moved
        _put_away()
        _modules.clear()
        return False
    return True


def _make_empty() -> None:
    """Put packages into sys.modules whose modules can be imported, though their own code has not been run."""
    path = None
    for name in EMPTY:
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError(f"{name} is no package")
        package = sys.modules[name] = ModuleType(name)
        package.__path__ = path = list(spec.submodule_search_locations)
        package.__spec__ = spec
    sys.modules["mlflow"].__dict__["__version__"] = version("mlflow")


def _put_away() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
        _modules[name] = sys.modules.pop(name)
