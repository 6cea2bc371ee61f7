"""The model's file: a skops archive. No pickle, loaded only if every type in it is trusted; equal models, equal bytes."""

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import skops.io
from sklearn.pipeline import Pipeline

from lifecycle.core.errors import DataError
from PKG.features import build_features
from lifecycle.core.files import replacing

TRUSTED = [
    f"{build_features.__module__}.{build_features.__name__}",
    f"{build_features.__module__.rpartition('.')[0]}.model.Codes",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
]
"""Types a model file may hold beyond those skops trusts by itself; loading refuses any other."""


def save(model: Pipeline, path: Path) -> None:
    """Write the model so that equal models are equal bytes.

    skops numbers the parts of an archive by their addresses in memory and zip stamps them with the time: both are
    replaced by the order in which the parts appear.
    """
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as archive:
        schema = json.loads(archive.read("schema.json"))
        numbers: dict[str, str] = {}
        _renumber(schema, numbers)
        parts = {
            numbers[Path(name).stem] + Path(name).suffix: archive.read(name)
            for name in archive.namelist()
            if name != "schema.json"
        }
    parts["schema.json"] = json.dumps(schema).encode()
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts):
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), parts[name], zipfile.ZIP_DEFLATED)


def load(path: Path) -> Pipeline:
    """Return the model in a file.

    Raises DataError if there is none, it is damaged, or it holds a type that is not trusted.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return skops.io.load(path, trusted=TRUSTED)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file; restore it with `dvc checkout {path}` or make it with `dvc repro`"
        ) from None
    except Exception as error:  # a damaged archive breaks in many ways; none may be loaded
        raise DataError(f"{path}: not a model this project trusts: {error}") from None


def _renumber(node: Any, numbers: dict[str, str]) -> None:
    if isinstance(node, list):
        for item in node:
            _renumber(item, numbers)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "__id__":
                node[key] = int(numbers.setdefault(str(value), str(len(numbers))))
            elif key == "file" and isinstance(value, str):
                node[key] = numbers.setdefault(Path(value).stem, str(len(numbers))) + Path(value).suffix
            else:
                _renumber(value, numbers)
