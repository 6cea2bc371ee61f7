import errno
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from lifecycle.batch import output
from lifecycle.core.errors import ConfigError, RefusedError

DATE = "2026-03-01"


def write(folder: Path, content: str, fail: bool = False) -> None:
    with output.staged_output(str(folder), DATE) as (scores, quarantine):
        (scores / "part").write_text(content)
        (scores / ".part.crc").write_text("sum")
        (quarantine / "part").write_text(f"bad {content}")
        if fail:
            raise ValueError


def test_a_date_is_replaced_as_a_whole_with_its_quarantine(tmp_path: Path) -> None:
    write(tmp_path / "scores", "old")
    write(tmp_path / "scores", "new")

    assert [path.name for path in output.partition(tmp_path / "scores", DATE).iterdir()] == ["part"]
    assert (tmp_path / f"scores/date={DATE}/part").read_text() == "new"
    assert (tmp_path / f"scores_quarantine/date={DATE}/part").read_text() == "bad new"
    assert not list(tmp_path.glob("*/.staging*"))


def test_the_previous_output_stays_readable_until_the_next_run(tmp_path: Path) -> None:
    write(tmp_path / "scores", "old")
    with (tmp_path / f"scores/date={DATE}/part").open() as reading:
        write(tmp_path / "scores", "new")
        (old,) = (tmp_path / "scores").glob(f".old-{DATE}-*/part")
        assert reading.read() == old.read_text() == "old"

    write(tmp_path / "scores", "newer")

    assert [path.read_text() for path in (tmp_path / "scores").glob(".old*/part")] == ["new"]


@pytest.mark.parametrize("existing", ["a file", "a link", "another table"])
def test_a_folder_that_score_did_not_write_is_not_replaced(tmp_path: Path, existing: str) -> None:
    place = output.partition(tmp_path / "scores", DATE)
    place.parent.mkdir()
    if existing == "a file":
        place.write_text("mine")
    elif existing == "a link":
        place.symlink_to(tmp_path)
    else:
        place.mkdir()
        pd.DataFrame({"customer": [1]}).to_parquet(place / "customers.parquet")

    with pytest.raises(ConfigError, match="was not written by `score`"):
        write(tmp_path / "scores", "new")

    assert list(place.iterdir()) if existing == "another table" else place.is_symlink() or place.read_text() == "mine"


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("in", "in"),
        ("in", "in/scores"),
        ("in/part.csv", "in"),
        ("scores_quarantine/a.csv", "scores"),
        ("in", "x/../in"),
    ],
)
def test_input_and_output_do_not_overlap(tmp_path: Path, source: str, written: str) -> None:
    with pytest.raises(ConfigError, match="overlap"):
        output.check_no_overlap(str(tmp_path / source), str(tmp_path / written))


def test_a_run_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "scores", "old")

    with pytest.raises(ValueError):  # noqa: PT011
        write(tmp_path / "scores", "new", fail=True)

    assert (tmp_path / f"scores/date={DATE}/part").read_text() == "old"
    assert not list(tmp_path.glob("*/.staging*"))


def test_a_run_removes_what_killed_runs_left_and_nothing_of_runs_that_are_alive(tmp_path: Path) -> None:
    for name in (f".staging-{DATE}-dead", ".staging-2026-03-02-alive", ".staging-2026-03-03-dead"):
        (tmp_path / "scores" / name).mkdir(parents=True)

    with FileLock(tmp_path / "scores/.lock-2026-03-02", timeout=0):
        write(tmp_path / "scores", "new")

    assert [path.name for path in (tmp_path / "scores").glob(".staging*")] == [".staging-2026-03-02-alive"]


def test_a_second_run_for_a_date_is_refused_and_one_for_another_date_is_not(tmp_path: Path) -> None:
    with output.staged_output(str(tmp_path / "scores"), DATE):
        with pytest.raises(RefusedError, match="another run is writing it"):
            write(tmp_path / "scores", "second")
        with output.staged_output(str(tmp_path / "scores"), "2026-03-02"):
            pass

    assert (tmp_path / "scores/date=2026-03-02").exists()


def test_where_folders_cannot_be_swapped_the_old_output_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "scores", "old")

    def unsupported(left: Path, right: Path) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(output, "_swap", unsupported)
    with pytest.raises(ConfigError, match="cannot be replaced in one step"):
        write(tmp_path / "scores", "new")

    assert (tmp_path / f"scores/date={DATE}/part").read_text() == "old"
