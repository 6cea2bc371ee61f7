"""A version's files: fetched from MLflow into a folder, and verified by the hashes that the registry has of them, or by a signature.

While MLflow does not answer, those that were fetched before.
"""

import datetime
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import file_hash, write_json
from lifecycle.core.outage import OutageError
from lifecycle.core.tracking import MODEL_HASH, store
from lifecycle.core.version_code import CODE_HASH, code_hash, copied
from lifecycle.core.version_files import CODE, KNOWN
from lifecycle.registry import signatures
from lifecycle.registry.aliases import find, held
from lifecycle.registry.artifact_store import download
from lifecycle.registry.registry_store import registry_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

UNUSED_VERSIONS = 5  # that a cache keeps beside those in use
IDENTITY = "version.json"  # number and hashes of the version in a folder


def fetch(client: "MlflowClient", model: str, version: int, cache: Path) -> Path:
    """Return the folder in the cache that holds a version: `model.skops`, `params.yaml`, `contract.yaml`, `code`, `known_rows`.

    A folder that is there already is not fetched again. Raises DataError if the files are not those that were registered,
    ConfigError if they cannot be had.

    Args:
        client: of the registry.
        model: the model's name there.
        version: the version's number.
        cache: the folder of all cached versions.
    """
    registered, folder, tags = _registered(client, model, version, cache)
    key = signatures.public_key()
    if not is_sound(folder, tags):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{cache}: the cache for fetched models cannot be created: {error}") from None
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-") as temporary:
            fetched = download(model, version, temporary)
            if key:
                signatures.verify(registered, Path(fetched), key)
            (Path(fetched) / IDENTITY).write_text(json.dumps({"version": version, **tags}))
            if not is_sound(Path(fetched), tags):
                raise DataError("its files in MLflow are not those that were registered")
            try:
                Path(fetched).rename(folder)
            except OSError:  # another process has fetched it meanwhile
                if not is_sound(folder, tags):
                    raise
    os.utime(folder)  # used now: `prune` removes the least recently used
    return folder


def _registered(
    client: "MlflowClient", model: str, version: int, cache: Path
) -> tuple["ModelVersion", Path, dict[str, str]]:
    """What the registry says of a version: it, the folder in the cache for its files, and their hashes. Raises DataError if it has none."""
    registered, key = client.get_model_version(model, str(version)), signatures.public_key()
    tags = {name: registered.tags.get(name, "") for name in (MODEL_HASH, CODE_HASH)}
    if not all(tags.values()):
        raise DataError(
            f"version {version} was not logged by this project's `track`, or by an older one: register it again"
        )
    return registered, cache / f"{version}-{tags[MODEL_HASH][:12]}-{tags[CODE_HASH][:12]}{_suffix(key)}", tags


def _suffix(key: Path | None) -> str:
    """Of a folder whose version was verified with a public key: one that was not is another folder."""
    return f"-signed-{signatures.fingerprint(key)}" if key else ""


def cached(version: int, cache: Path) -> Path:
    """Return the folder of a version that was fetched before. Raises DataError if there is none, or it is damaged."""
    suffix = _suffix(signatures.public_key())
    folders = [folder for folder in cache.glob(f"{version}-*-*") if folder.name.endswith(suffix)]
    folders = sorted(folders, key=lambda folder: folder.stat().st_mtime)
    if not folders:
        raise DataError(f"version {version} is not in {cache}")
    if not is_sound(folders[-1], None):
        raise DataError(f"the files of version {version} in {folders[-1]} are damaged")
    return folders[-1]


def prune(cache: Path, used: set[Path]) -> None:
    """Remove the least recently used versions, except those in use."""
    folders = sorted(cache.glob("[0-9]*-*-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in [folder for folder in folders if folder not in used][UNUSED_VERSIONS:]:
        shutil.rmtree(folder, ignore_errors=True)


def is_sound(folder: Path, tags: Mapping[str, Any] | None) -> bool:
    """Whether the files in a folder have the hashes in a version's tags, or without tags those noted when it was fetched."""
    try:
        hashes = tags or json.loads((folder / IDENTITY).read_text())
        params, contract = ((folder / path).read_bytes() for path in (config.PARAMS, config.CONTRACT))
        model = file_hash(folder / config.MODEL.name)
        code = code_hash(copied(folder / CODE), params, contract)
        return (model, code) == (hashes[MODEL_HASH], hashes[CODE_HASH]) and (folder / KNOWN).is_dir()
    except (OSError, ValueError, KeyError):
        return False


def fetch_by_alias(params: Params, alias: str, cache: Path) -> tuple[int, Path] | None:
    """Return the number of the version that has an alias, and the folder in the cache that holds its files; None if no version has it.

    While MLflow does not answer, it is the version that had the alias the last time, and a warning says so. If MLflow says which version it
    is, no other takes its place.

    Args:
        params: of the repo.
        alias: whose version.
        cache: the folder of all cached versions; also holds which version had the alias the last time.

    Raises OutageError if neither MLflow nor the cache has the version, and what `store` and `fetch` raise.
    """
    version: int | None = None
    last, model = cache / f"{alias}.json", params.track.model
    otherwise = f"the version that is {alias} cannot be fetched"
    try:
        with registry_store(params, otherwise) as client:
            registered = held(client, model)
            version = registered.aliases.get(alias) if registered else None
            if version is None:
                return None
            _, folder, hashes = _registered(client, model, version, cache)
        if is_sound(folder, hashes):
            os.utime(folder)
        else:
            with store(params, otherwise) as client:
                folder = fetch(client, model, version, cache)
    except OutageError as error:
        used = version or _last_version(last)
        try:
            if used is None:
                raise error
            folder = cached(used, cache)
        except DataError:
            raise error from None
        when = "" if version else f", which was {alias} the last time ({_time_of(last)})"
        print(f"warning: {error}; using version {used}{when}, from {cache}", file=sys.stderr)
        return used, folder
    prune(cache, {folder})
    write_json({"version": version}, last)
    return version, folder


def fetch_by_number(params: Params, version: int, cache: Path) -> Path:
    """Return the folder in the cache that holds the files of a version, whatever alias it has. While MLflow does not answer, they are those
    that were fetched before, and a warning says so.

    Raises OutageError if neither MLflow nor the cache has the version, and what `store` and `fetch` raise.
    """
    try:
        with store(params, f"version {version} cannot be fetched") as client:
            if find(client, params.track.model, version, None) is None:
                raise ConfigError(
                    f"MLflow has no version {version} of {params.track.model}, or has it no more: see history"
                )
            folder = fetch(client, params.track.model, version, cache)
    except OutageError as error:
        try:
            folder = cached(version, cache)
        except DataError:
            raise error from None
        print(f"warning: {error}; using version {version} from {cache}", file=sys.stderr)
        return folder
    prune(cache, {folder})
    return folder


def _last_version(path: Path) -> int | None:
    try:
        return int(json.loads(path.read_text())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _time_of(path: Path) -> str:
    return f"{datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC):%Y-%m-%d %H:%M} UTC"
