"""The model's file: a skops archive, not a pickle. It is loaded only if every type in it is trusted; equal models are equal bytes."""

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import skops.io
from sklearn.pipeline import Pipeline

from lifecycle.core import user_code
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import replacing

PROJECT_TYPES = ["lifecycle.core.category_codes.CategoryCodes", "numpy.dtype"]


def trusted(package: str) -> list[str]:
    """Return the types that a model file may hold beside those skops trusts: ours, and those the user's model.py lists."""
    build_features = user_code.get(package, "features", "build_features")
    features = f"{build_features.__module__}.{build_features.__qualname__}"
    return [features, *PROJECT_TYPES, *user_code.get(package, "model", "TRUSTED_TYPES")]


def save(model: Pipeline, path: Path, package: str) -> None:
    """Write the model so that equal models are equal bytes, and load it once, so that no file is left that cannot be loaded.

    skops names the members of the archive by their addresses in memory, and zip adds the time: both are replaced by the
    order in which the members appear.

    Raises ConfigError if skops cannot save the model, or it holds a type that is not trusted.
    """
    try:
        content = skops.io.dumps(model)
    except Exception as error:  # skops raises whatever a type's own pickling protocol raises
        raise ConfigError(f"{type(model[-1]).__name__} cannot be saved by skops: {error}") from error
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
        numbers: dict[str, str] = {}
        _renumber(schema, numbers)
        members = {
            numbers[Path(name).stem] + Path(name).suffix: archive.read(name)
            for name in archive.namelist()
            if name != "schema.json"
        }
    members["schema.json"] = json.dumps(schema).encode()
    with replacing(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(members):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, members[name], zipfile.ZIP_DEFLATED)
        if untrusted := sorted({*skops.io.get_untrusted_types(file=temporary)} - {*trusted(package)}):
            them = "it" if len(untrusted) == 1 else "them"
            raise ConfigError(
                f"{type(model[-1]).__name__} holds types that are not trusted in a model file: {', '.join(untrusted)}; "
                f"to trust {them}, add {them} to TRUSTED_TYPES in src/{package}/model.py"
            )
        load(temporary, package)


def load(path: Path, package: str) -> Pipeline:
    """Return the model in a file.

    Raises DataError if there is no file, it is damaged, or it holds a type that is not trusted; and whatever the user's code
    raises when it is imported.
    """
    types = trusted(package)  # before the try: an error in the user's code is not an error in the file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model: Pipeline = skops.io.load(path, trusted=types)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file; restore it with `dvc checkout {path}` or make it with `dvc repro`"
        ) from None
    except Exception as error:  # a damaged archive fails in many ways
        raise DataError(f"{path}: not a model this project trusts: {error}") from None
    return model


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
