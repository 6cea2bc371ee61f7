"""What an update leaves to the user, and which settings it adds."""

from pathlib import Path

from lifecycle.template.user_files import keep

OLD = "a: 1   # one\nb:\n  c: 2\ngone: 1\n"
NEW = "a: 9   # one\nb:\n  c: 2\n  new: null   # of late\n  other: [1, 2]\nlast: {x: 1}\n"


def renders(folder: Path, old: dict[str, str], new: dict[str, str]) -> tuple[Path, Path]:
    for name, files in (("old", old), ("new", new)):
        for path, text in files.items():
            (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / path).write_text(text)
    return folder / "old", folder / "new"


def test_an_edited_settings_file_gets_new_settings_and_keeps_its_values_and_comments(tmp_path: Path) -> None:
    old, new = renders(tmp_path, {"params.yaml": OLD}, {"params.yaml": NEW})
    users = "a: 5   # one\n# mine\nb:\n  c: 2\n  empty: null\ngone: 1\n"

    user_files = keep(old, new, {"params.yaml": users.encode()}, "package")

    assert (old / "params.yaml").read_text() == users
    assert (new / "params.yaml").read_text() == (
        "a: 5   # one\n# mine\nb:\n  c: 2\n  new: null   # of late\n  other: [1, 2]\n  empty: null\nlast: {x: 1}\ngone: 1\n"
    )
    assert user_files.edited == ["params.yaml"]
    assert user_files.added == [
        "params.yaml: b.new = None",
        "params.yaml: b.other = [1, 2]",
        "params.yaml: last = a section",
    ]
    assert user_files.unused == ["params.yaml: gone"]


def test_a_settings_file_as_the_template_rendered_it_becomes_the_new_one(tmp_path: Path) -> None:
    old, new = renders(tmp_path, {"params.yaml": OLD}, {"params.yaml": NEW})

    user_files = keep(old, new, {"params.yaml": OLD.encode()}, "package")

    assert (new / "params.yaml").read_text() == NEW
    assert (user_files.edited, user_files.added) == ([], [])


def test_edited_code_and_data_stay_and_files_that_are_not_the_users_are_left_to_git(tmp_path: Path) -> None:
    files = ["src/package/features.py", "data/raw/table.csv.dvc", "contract.yaml", "README.md", "src/lifecycle/cli.py"]
    old, new = renders(tmp_path, dict.fromkeys(files, "old\n"), dict.fromkeys(files, "new\n"))

    user_files = keep(old, new, dict.fromkeys(files, b"mine\n"), "package")

    assert user_files.edited == ["contract.yaml", "data/raw/table.csv.dvc", "src/package/features.py"]
    for path in files:
        assert (new / path).read_text() == ("mine\n" if path in user_files.edited else "new\n"), path
        assert (old / path).read_text() == ("mine\n" if path in user_files.edited else "old\n"), path


def test_an_edited_file_that_the_template_no_longer_has_is_kept_and_a_deleted_one_is_not_brought_back(
    tmp_path: Path,
) -> None:
    old, new = renders(tmp_path, {"serving.yaml": "a: 1\n", "src/package/x.py": "1\n"}, {"src/package/x.py": "2\n"})

    user_files = keep(old, new, {"serving.yaml": b"a: 2\n"}, "package")

    assert user_files.dropped == ["serving.yaml"]
    assert (new / "serving.yaml").read_text() == (old / "serving.yaml").read_text() == "a: 2\n"
    assert (new / "src/package/x.py").read_text() == "2\n"  # modified there, deleted here: git says so


def test_a_settings_file_that_cannot_be_read_stays_as_it_is(tmp_path: Path) -> None:
    old, new = renders(tmp_path, {"params.yaml": OLD}, {"params.yaml": NEW})

    user_files = keep(old, new, {"params.yaml": b"a: [1\n"}, "package")

    assert (new / "params.yaml").read_text() == "a: [1\n"
    assert user_files.added == []
    assert user_files.not_added == ["params.yaml: it cannot be read"]


def test_settings_are_listed_where_adding_them_would_rewrite_what_the_user_wrote(tmp_path: Path) -> None:
    old, new = renders(tmp_path, {"params.yaml": OLD}, {"params.yaml": NEW})
    users = "a:   [ 1,2 ]\nb:\n      c: 2\ngone: ~\n"

    user_files = keep(old, new, {"params.yaml": users.encode()}, "package")

    assert (new / "params.yaml").read_text() == users
    assert user_files.added == []
    assert "params.yaml: b.new = None" in user_files.not_added
