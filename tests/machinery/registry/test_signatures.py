"""Versions signed by model_signing with a key, and what is refused if a public key is set."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lifecycle.core.errors import DataError
from lifecycle.registry import artifact_store, signatures, version_cache
from lifecycle.registry.signatures import PASSWORD, PRIVATE_KEY, PUBLIC_KEY, SIGNATURE
from machinery.registry.lab import Lab


def key_pair(folder: Path, password: str = "") -> tuple[Path, Path]:
    """Write a private key, encrypted if there is a password, and its public key."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    encryption: Any = (
        serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(key.private_bytes(pem, form, encryption))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return key_pair(tmp_path_factory.mktemp("keys") / "ours")


def version_of(lab: Lab, number: int = 1) -> Any:
    return lab.client.get_model_version(lab.model, str(number))


def fetched(lab: Lab, folder: Path, number: int = 1) -> Path:
    folder.mkdir()
    return Path(artifact_store.download(lab.model, number, str(folder)))


@pytest.fixture
def signed(lab: Lab, keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a version that was registered with a key."""
    monkeypatch.setenv(PRIVATE_KEY, str(keys[0]))
    lab.train("a")
    lab("register")
    return fetched(lab, tmp_path / "fetched")


def test_a_version_that_is_registered_with_a_key_has_a_signature_that_the_public_key_verifies(
    lab: Lab, keys: tuple[Path, Path], signed: Path
) -> None:
    assert version_of(lab).tags[SIGNATURE] == f"signatures/{lab.model}-1.sig"
    signatures.verify(version_of(lab), signed, keys[1])


@pytest.mark.parametrize("change", ["model", "new file", "file gone"])
def test_files_that_were_changed_after_signing_are_refused(
    lab: Lab, keys: tuple[Path, Path], signed: Path, change: str
) -> None:
    public, model = keys[1], signed / "model.skops"
    if change == "model":
        model.write_text("another")
    elif change == "new file":
        (signed / "code").mkdir()
        (signed / "code" / "evil.py").write_text("")
    else:
        model.unlink()

    with pytest.raises(
        DataError, match=rf"^version 1 does not have a valid signature by {public}: .*(model.skops|evil.py)"
    ):
        signatures.verify(version_of(lab), signed, public)


def test_a_signature_by_another_key_and_one_of_another_version_are_refused(
    lab: Lab, keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, public = keys
    other, other_public = key_pair(tmp_path / "theirs")
    shutil.move(tmp_path / "theirs", tmp_path.parent / f"{tmp_path.name}-theirs")  # not part of the repo
    other, other_public = (tmp_path.parent / f"{tmp_path.name}-theirs" / path.name for path in (other, other_public))
    monkeypatch.setenv(PRIVATE_KEY, str(other))
    for name in ("a", "b"):
        lab.train(name)
        lab("register")
    second = fetched(lab, tmp_path / "second", 2)

    with pytest.raises(DataError, match="does not have a valid signature"):
        signatures.verify(version_of(lab, 2), second, public)
    signatures.verify(version_of(lab, 2), second, other_public)
    with pytest.raises(DataError, match="does not have a valid signature"):
        signatures.verify(version_of(lab, 1), second, other_public)


def test_whatever_fetches_a_version_refuses_one_without_a_signature_if_a_public_key_is_set(
    lab: Lab, keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.train("a")
    lab("register")
    monkeypatch.setenv(PUBLIC_KEY, str(keys[1]))

    line = f"^version 1 is not signed, and {PUBLIC_KEY} asks for a signature: register it with {PRIVATE_KEY}$"
    with pytest.raises(DataError, match=line):
        version_cache.fetch(lab.client, lab.model, 1, tmp_path / "cache")


def test_a_version_in_the_cache_that_was_not_verified_with_the_key_does_not_count(
    keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1-abc-def").mkdir()
    with pytest.raises(DataError, match="are damaged"):  # found, and it holds nothing
        version_cache.cached(1, tmp_path)
    monkeypatch.setenv(PUBLIC_KEY, str(keys[1]))

    with pytest.raises(DataError, match="is not in"):
        version_cache.cached(1, tmp_path)
    (tmp_path / f"1-abc-def-signed-{signatures.fingerprint(keys[1])}").mkdir()
    with pytest.raises(DataError, match="are damaged"):
        version_cache.cached(1, tmp_path)


def test_a_key_that_cannot_sign_is_one_line_and_the_same_command_signs_afterwards(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, _ = key_pair(tmp_path_factory.mktemp("keys") / "locked", "secret")
    lab.train("a")
    monkeypatch.setenv(PRIVATE_KEY, str(private.with_name("nowhere.pem")))
    assert f"{PRIVATE_KEY}: {private.with_name('nowhere.pem')} is no file" in lab("register", code=2)
    monkeypatch.setenv(PRIVATE_KEY, str(private))
    monkeypatch.setenv(PASSWORD, "wrong")
    assert f"{PRIVATE_KEY}: {private} cannot sign: " in lab("register", code=2)
    assert not lab.aliases["candidate"]

    monkeypatch.setenv(PASSWORD, "secret")

    assert "version 1" in lab("register")
    assert SIGNATURE in version_of(lab).tags


def test_without_the_library_the_line_names_the_extra(
    lab: Lab, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRIVATE_KEY, str(keys[0]))
    monkeypatch.setitem(sys.modules, "model_signing", None)
    lab.train("a")

    assert "it is in the extra `signing`: make setup EXTRAS=dev,signing" in lab("register", code=2)
