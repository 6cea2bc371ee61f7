"""A version's files: fetched from MLflow into a folder, and held against what the registry says of them."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.errors import DataError
from lifecycle.core.files import file_hash
from lifecycle.core.tracking import MODEL_HASH
from lifecycle.core.version_code import CODE_HASH, code_hash, copied
from lifecycle.core.version_files import CODE, KNOWN

KEPT = 5  # versions that a cache holds beside those in use
FACTS = "version.json"


def fetch(client: Any, model: str, version: int, cache: Path) -> Path:
    """Return the folder in the cache that holds a version: `model.skops`, `params.yaml`, `contract.yaml`, `code`, `known_rows`.

    What is there already is not fetched again. Raises DataError if the files are not those that were registered.
    """
    import mlflow

    found = client.get_model_version(model, str(version))
    tags = {name: found.tags.get(name) for name in (MODEL_HASH, CODE_HASH)}
    if not all(tags.values()):
        raise DataError(
            f"version {version} was not logged by this project's `track`, or by an older one: register it anew"
        )
    folder = cache / f"{version}-{str(tags[MODEL_HASH])[:12]}-{str(tags[CODE_HASH])[:12]}"
    if not _sound(folder, tags):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{cache}, where fetched models are kept, cannot be made: {error}") from None
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-") as temporary:
            fetched = mlflow.artifacts.download_artifacts(f"models:/{model}/{version}", dst_path=temporary)
            (Path(fetched) / FACTS).write_text(json.dumps({"version": version, **tags}))
            if not _sound(Path(fetched), tags):
                raise DataError("its files in MLflow are not those that were registered")
            try:
                Path(fetched).rename(folder)
            except OSError:  # another server has fetched it meanwhile
                if not _sound(folder, tags):
                    raise
    os.utime(folder)  # it is used: `prune` keeps what was used last
    return folder


def cached(version: int, cache: Path) -> Path:
    """Return the folder of a version that was fetched before. Raises DataError if there is none, or it is damaged."""
    found = sorted(cache.glob(f"{version}-*"), key=lambda folder: folder.stat().st_mtime)
    if not found:
        raise DataError(f"version {version} is not in {cache}")
    if not _sound(found[-1], None):
        raise DataError(f"the files of version {version} in {found[-1]} are damaged")
    return found[-1]


def prune(cache: Path, used: set[Path]) -> None:
    """Remove what was used longest ago, but for what is in use."""
    found = sorted(cache.glob("[0-9]*-*-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in [folder for folder in found if folder not in used][KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


def _sound(folder: Path, tags: dict[str, Any] | None) -> bool:
    """Whether a folder is what the registry says; while it says nothing, what it said."""
    try:
        facts = tags or json.loads((folder / FACTS).read_text())
        beside = [(folder / path).read_bytes() for path in (config.PARAMS, config.CONTRACT)]
        good = file_hash(folder / config.MODEL.name) == facts[MODEL_HASH]
        return good and code_hash(copied(folder / CODE), *beside) == facts[CODE_HASH] and (folder / KNOWN).is_dir()
    except (OSError, ValueError, KeyError):
        return False
