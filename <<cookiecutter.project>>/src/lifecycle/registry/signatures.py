"""Signatures of versions, made and verified by sigstore's model_signing with a pair of keys: no account, no service.

`register` signs if MODEL_SIGNING_KEY names a private key, with its password in MODEL_SIGNING_PASSWORD if it has one. Whatever fetches a
version verifies it if MODEL_PUBLIC_KEY names the public key. Hashes in the registry tell whether files were damaged; a signature also tells
whether they are from somebody who has the key, and not from whoever may write to MLflow.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lifecycle.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

PRIVATE_KEY, PASSWORD, PUBLIC_KEY = "MODEL_SIGNING_KEY", "MODEL_SIGNING_PASSWORD", "MODEL_PUBLIC_KEY"
SIGNATURE = "signature"  # tag of a version: where its signature is among the artifacts of its run
FOLDER = "signatures"  # there
MISSING = "model_signing is not installed; it is in the extra `signing`: make setup EXTRAS=dev,signing"


def private_key() -> Path | None:
    """Return the key that `register` signs with, if it is to sign. Raises ConfigError if the file is not there."""
    return _key(PRIVATE_KEY)


def public_key() -> Path | None:
    """Return the key that versions are verified with, if they are. Raises ConfigError if the file is not there."""
    return _key(PUBLIC_KEY)


def fingerprint(key: Path) -> str:
    """Return a short name of a public key."""
    return hashlib.sha256(key.read_bytes()).hexdigest()[:8]


def sign(client: "MlflowClient", version: "ModelVersion", folder: Path, key: Path) -> None:
    """Sign the files of a version, as MLflow gives them, and store the signature beside its run.

    Raises ConfigError if the key cannot be used.
    """
    try:
        from model_signing import signing
    except ImportError:
        raise ConfigError(MISSING) from None
    with tempfile.TemporaryDirectory() as temporary:
        signature = Path(temporary) / f"{version.name}-{version.version}.sig"
        password = os.environ.get(PASSWORD, "").encode() or None  # as bytes: the library passes it on as it is
        try:
            signing.Config().use_elliptic_key_signer(private_key=key, password=password).sign(folder, signature)
        except Exception as error:  # of the library's, of OpenSSL's or a wrong password's, of any kind
            raise ConfigError(f"{PRIVATE_KEY}: {key} cannot sign: {_reason(error)}") from error
        client.log_artifact(version.run_id, str(signature), FOLDER)
        client.set_model_version_tag(version.name, version.version, SIGNATURE, f"{FOLDER}/{signature.name}")


def verify(version: "ModelVersion", folder: Path, key: Path) -> None:
    """Raise DataError unless the files of a version have a signature made with the private key that belongs to this public key."""
    try:
        from model_signing import verifying
    except ImportError:
        raise ConfigError(MISSING) from None
    place, name = version.tags.get(SIGNATURE), f"version {version.version}"
    if not place:
        raise DataError(f"{name} is not signed, and {PUBLIC_KEY} asks for a signature: register it with {PRIVATE_KEY}")
    import mlflow

    with tempfile.TemporaryDirectory() as temporary:
        try:
            signature = mlflow.artifacts.download_artifacts(
                run_id=version.run_id, artifact_path=place, dst_path=temporary
            )
        except Exception as error:  # each kind of storage has errors of its own
            raise ConfigError(
                f"the storage of MLflow does not give the signature of {name}: {_reason(error)}"
            ) from error
        try:
            verifying.Config().use_elliptic_key_verifier(public_key=key).verify(folder, Path(signature))
        except Exception as error:  # also of a file that is no signature, or of no key
            raise DataError(f"{name} does not have a valid signature by {key}: {_reason(error)}") from error


def _key(variable: str) -> Path | None:
    if not os.environ.get(variable):
        return None
    path = Path(os.environ[variable])
    if not path.is_file():
        raise ConfigError(f"{variable}: {path} is no file")
    return path


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
