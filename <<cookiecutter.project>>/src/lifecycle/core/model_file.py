"""The model's file: a skops archive, not a pickle. It is loaded only if every type in it is trusted; equal models are equal bytes."""

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import skops.io
from sklearn.pipeline import Pipeline

from lifecycle.core import config, user_code
from lifecycle.core.category_codes import CategoryCodes
from lifecycle.core.date_parts import DateParts
from lifecycle.core.encoded_labels import EncodedLabels
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import replacing, write_text
from lifecycle.core.text_terms import TextTerms

OUR_CLASSES = (CategoryCodes, DateParts, EncodedLabels, TextTerms)
PROJECT_TYPES = [f"{kind.__module__}.{kind.__qualname__}" for kind in OUR_CLASSES] + ["numpy.dtype"]
LIBRARIES = ("catboost", "collections", "lightgbm", "numpy", "pandas", "scipy", "sklearn", "xgboost")
"""Packages whose types are written into that file by training; any other has to be in TRUSTED_TYPES of model.py."""


def trusted(package: str, path: Path) -> list[str]:
    """Return the types that a model file may hold beside those skops trusts.

    They are ours, those in the file beside it, which training writes, and those that the user's model.py lists.
    """
    build_features = user_code.get(package, "features", "build_features")
    features = f"{build_features.__module__}.{build_features.__qualname__}"
    own = getattr(user_code.load(package, "model"), "TRUSTED_TYPES", [])
    drafted = path.with_name(config.TRUSTED_TYPES.name)
    return [features, *PROJECT_TYPES, *own, *(drafted.read_text().split() if drafted.is_file() else [])]


def save(model: Pipeline, path: Path, package: str) -> None:
    """Write the model so that equal models are equal bytes, and load it once, so that no file is left that cannot be loaded.

    The types in it that are neither skops's nor ours, but of the project or a library for models, go into the file
    `trusted_types.txt` beside it, which git has: a model with any other type is not loaded.

    skops names the members of the archive by their addresses in memory, and zip adds the time: both are replaced by the
    order in which the members appear.

    Raises ConfigError if skops cannot save the model, or it holds a type of another package.
    """
    try:
        content = skops.io.dumps(model)
    except Exception as error:  # skops raises whatever a type's own pickling protocol raises
        raise ConfigError(f"{type(model[-1]).__name__} cannot be saved by skops: {error}") from error
    members = _renumbered(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    types = path.with_name(config.TRUSTED_TYPES.name)
    types.unlink(missing_ok=True)
    with replacing(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(members):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, members[name], zipfile.ZIP_DEFLATED)
        held = sorted({*skops.io.get_untrusted_types(file=temporary)} - {*trusted(package, path)})
        if others := [name for name in held if name.partition(".")[0] not in (*LIBRARIES, package)]:
            them = "it" if len(others) == 1 else "them"
            raise ConfigError(
                f"{type(model[-1]).__name__} holds types that are not trusted in a model file: {', '.join(others)}; "
                f"to trust {them}, add {them} to TRUSTED_TYPES in src/{package}/model.py"
            )
        write_text("".join(f"{name}\n" for name in held), types)
        load(temporary, package)


def _renumbered(content: bytes) -> dict[str, bytes]:
    """The members of a skops archive by name, named by the order in which they appear."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
        numbers: dict[str, str] = {}
        _renumber(schema, numbers)
        members = {
            numbers[Path(name).stem] + Path(name).suffix: archive.read(name)
            for name in archive.namelist()
            if name != "schema.json"
        }
    return members | {"schema.json": json.dumps(schema).encode()}


def load(path: Path, package: str, beside: Path | None = None) -> Pipeline:
    """Return the model in a file. The types that it may hold are in the file beside it, or beside another, if `beside` names one.

    Raises DataError if there is no file, it is damaged, or it holds a type that is not trusted; and whatever the user's code
    raises when it is imported.
    """
    types = trusted(package, beside or path)  # before the try: an error in the user's code is not an error in the file
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
