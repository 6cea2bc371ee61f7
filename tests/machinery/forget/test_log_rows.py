"""A row is taken out of the prediction log in every form that a day may have, with its labels, and nothing else is."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lifecycle.forget.log_rows import Wanted, forget
from lifecycle.prediction_log.compaction import compact
from lifecycle.prediction_log.private_columns import Redaction
from lifecycle.prediction_log.writer import FEEDBACK, REFUSED, Log
from machinery.prediction_log.log_lines import OVER, answer, everything, files, label, refusal

KEY = b"0123456789abcdef"


def row(number: int, key: Any, **more: Any) -> bytes:
    return answer(number, inputs={"key": key, "x": number}, **more)


def written(log: Path) -> None:
    """The row c1 as r1 (by production and a shadow) and r2; others that only look like it."""
    lines = [row(1, "c1"), row(1, "c1", role="shadow"), row(3, "c11"), row(2, "c1"), row(4, "c2", note="c1"), b"{c1\n"]
    Log(log).write(lines, "2026-01-31")
    Log(log).write([row(5, "c3")], "2026-01-31")
    Log(log).write([label(1), label(2), label(3), label(1, "Yes")], "2026-02-01", FEEDBACK)
    Log(log).write([refusal(7), refusal(1)], "2026-01-31", REFUSED)


def ids(log: Path) -> list[str]:
    return sorted(json.loads(line)["request_id"] for line in everything(log)["lines"])


def compress(log: Path) -> None:
    for path in log.glob("*/*.jsonl"):
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def interrupted(log: Path) -> None:
    """A compaction that was killed before it removed the first of its files."""
    originals = {path: path.read_bytes() for path in log.glob("2026-01-31/*.jsonl")}
    compact(log, None, OVER)
    for path, content in originals.items():
        path.write_bytes(content)


FORMS = {
    "lines": lambda log: None,
    "gzip": compress,
    "parquet": lambda log: compact(log, None, OVER),
    "interrupted": interrupted,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_row_its_labels_and_its_refusals_are_gone_and_no_other_line_is(tmp_path: Path, form: Any) -> None:
    written(tmp_path)
    form(tmp_path)

    removed = forget(tmp_path, Wanted("c1", "key"))

    assert (removed.answers, removed.labels, removed.refusals) == (4, 3, 1)
    assert removed.request_ids == {"r1", "r2"}
    assert ids(tmp_path) == ["r3", "r3", "r4", "r5", "r7"]
    assert forget(tmp_path, Wanted("c1", "key")).answers == 0
    compact(tmp_path, None, OVER)
    assert ids(tmp_path) == ["r3", "r3", "r4", "r5", "r7"]


def test_no_byte_of_the_row_is_left_in_the_files(tmp_path: Path) -> None:
    Log(tmp_path).write([row(1, "very-private"), row(2, "other")], "2026-01-31")
    before = min(tmp_path.glob("*/*.jsonl")).stat()

    forget(tmp_path, Wanted("very-private", "key"))

    (path,) = tmp_path.glob("*/*.jsonl")
    assert b"very-private" not in path.read_bytes()
    assert (path.stat().st_size, path.stat().st_ino) == (before.st_size, before.st_ino)


def test_a_server_that_writes_meanwhile_goes_on_in_the_same_file(tmp_path: Path) -> None:
    server = Log(tmp_path)
    server.write([row(1, "c1"), row(2, "c2")], "2026-01-31")

    forget(tmp_path, Wanted("c1", "key"))
    server.write([row(3, "c3")], "2026-01-31")

    assert ids(tmp_path) == ["r2", "r3"]
    assert len(files(tmp_path)) == 1


def test_a_request_is_forgotten_by_its_own_id(tmp_path: Path) -> None:
    written(tmp_path)

    removed = forget(tmp_path, Wanted("r3", "key"))

    assert (removed.answers, removed.labels) == (1, 1)
    assert "r3" not in str(everything(tmp_path)["lines"])


@pytest.mark.parametrize("value", [4711, 4711.0, "4711"])
def test_an_id_may_be_a_number_or_hashed(tmp_path: Path, value: Any) -> None:
    hashed = Redaction({"key": "hash"}, KEY).row({"key": value, "x": 1})
    plain = int(value) if not isinstance(value, str) else value
    Log(tmp_path).write([answer(1, inputs=hashed), row(2, plain), row(3, 471)], "2026-01-31")

    assert forget(tmp_path, Wanted("4711", "key")).answers == 1  # without the key nobody can find the other
    assert forget(tmp_path, Wanted("4711", "key", KEY)).answers == 1
    assert ids(tmp_path) == ["r3"]


def test_a_refusal_goes_by_the_value_that_it_was_refused_for(tmp_path: Path) -> None:
    mistake = {"column": "key", "rule": "string_pattern_mismatch", "value": "text", "sent": '"c1"'}
    lines = [json.loads(refusal(1)) | {"mistakes": [mistake]}, json.loads(refusal(2))]
    Log(tmp_path).write([json.dumps(line).encode() + b"\n" for line in lines], "2026-01-31", REFUSED)

    assert forget(tmp_path, Wanted("c1", "key")).refusals == 1
    assert ids(tmp_path) == ["r2"]


def test_what_is_not_a_day_of_the_log_is_left_alone(tmp_path: Path) -> None:
    written(tmp_path)
    shutil.copytree(tmp_path / "2026-01-31", tmp_path / "copy")

    forget(tmp_path, Wanted("c1", "key"))

    assert sum(path.read_bytes().count(b'"c1"') for path in (tmp_path / "copy").iterdir()) >= 3
