"""The lock of an update: the template's pins, but where the user has chosen others."""

from pathlib import Path

from lifecycle.template import lock_file


def lock(**versions: str) -> str:
    return "".join(f"{name}=={version} \\\n    --hash=sha256:{version}\n" for name, version in versions.items())


def brought(folder: Path, users: str, old: str, new: str, old_name: str = "requirements.txt") -> tuple[str, bool]:
    for name, file, text in (("old", old_name, old), ("new", "requirements.txt", new)):
        (folder / name).mkdir()
        (folder / name / file).write_text(text)
    differ = lock_file.bring(folder / "old", folder / "new", {old_name: users.encode()})
    assert (folder / "old" / old_name).read_text() == users
    return (folder / "new/requirements.txt").read_text(), differ


def test_the_lock_of_a_repo_that_has_changed_nothing_becomes_the_templates(tmp_path: Path) -> None:
    old, new = lock(a="1", b="1", gone="1"), lock(a="2", b="1", c="1")

    assert brought(tmp_path, old, old, new, "requirements.lock") == (new, False)


def test_packages_that_the_user_added_or_moved_keep_their_versions(tmp_path: Path) -> None:
    old, users, new = lock(a="1", b="1"), lock(a="1", b="3", mine="7"), lock(a="2", b="2")

    assert brought(tmp_path, users, old, new) == (lock(a="2", b="3", mine="7"), True)


def test_a_package_with_a_version_for_each_marker_stays_whole() -> None:
    text = "a==1 ; python_version < '3.12' \\\n    --hash=sha256:1\na==2 ; python_version >= '3.12' \\\n    --hash=sha256:2\n"

    assert lock_file.packages(text + lock(b="1")) == {"a": text, "b": lock(b="1")}


def test_line_ends_are_no_change_of_a_version(tmp_path: Path) -> None:
    old, new = lock(a="1", b="1"), lock(a="2", b="1")
    for name, text in (("old", old), ("new", new)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.txt").write_text(text)

    differ = lock_file.bring(
        tmp_path / "old", tmp_path / "new", {"requirements.txt": old.replace("\n", "\r\n").encode()}
    )

    assert not differ
    assert (tmp_path / "new/requirements.txt").read_text() == new
