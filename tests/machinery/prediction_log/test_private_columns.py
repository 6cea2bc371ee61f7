"""Columns that are tagged in the contract are not in the log as they were sent, and whoever reads the log says so."""

import hashlib
import hmac
import json
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.core import contract
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError, RefusedError
from lifecycle.prediction_log.private_columns import Redaction, describe, is_hashed, private_columns, redaction
from lifecycle.prediction_log.writer import Log

KEY = "0123456789abcdef"
COLUMNS = """
columns:
  mail: {{dtype: str, metadata: {{log: {mail}}}}}
  name: {{dtype: str, metadata: {{log: {name}, owner: sales}}}}
  size: {{dtype: float64}}
  outcome: {{dtype: str}}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERVING_LOG_KEY", KEY)
    monkeypatch.delenv("SERVING_LOG_KEY_FILE", raising=False)
    return write(tmp_path, "hash", "omit")


def write(folder: Path, mail: str, name: str) -> Path:
    path = folder / "contract.yaml"
    path.write_text(COLUMNS.format(mail=mail, name=name))
    return path


def test_a_tagged_column_is_left_out_or_hashed_and_the_rest_is_as_it_was(file: Path) -> None:
    made = redaction(file, "outcome")
    assert made

    logged = made.row({"mail": "a@x", "name": "Ann", "size": 0.1})

    code = hmac.new(KEY.encode(), b'mail="a@x"', hashlib.sha256).hexdigest()
    assert logged == {"mail": f"hmac-sha256:{code}", "size": 0.1}
    assert is_hashed(logged["mail"])
    assert made.row({"mail": None, "name": "Ann", "size": 0.1}) == {"mail": None, "size": 0.1}
    assert describe(private_columns(file)) == "mail (hashed), name (left out)"


def test_pandera_reads_a_contract_with_tags(file: Path, params: Params) -> None:
    assert list(contract.load(file, params.package).columns) == ["mail", "name", "size", "outcome"]


def test_without_tags_nothing_is_done(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("columns: {mail: {dtype: str, metadata: {owner: sales}}}")

    assert redaction(path, "outcome") is None


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("{log: drop}", "column mail: metadata.log is 'drop': write omit or hash"),
        ("{Log: hash}", r"column mail: metadata.Log is not known \(did you mean log\?\)"),
        ("hash", "column mail: metadata is 'hash': write a mapping"),
    ],
)
def test_a_tag_that_is_misspelt_is_refused(tmp_path: Path, tag: str, message: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(f"columns: {{mail: {{dtype: str, metadata: {tag}}}}}")

    with pytest.raises(ConfigError, match=message):
        private_columns(path)


def test_the_target_has_no_tag(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"column mail: metadata\.log is for what clients send"):
        redaction(file, "mail")


def test_hashing_needs_a_key_and_leaving_out_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERVING_LOG_KEY", raising=False)
    monkeypatch.delenv("SERVING_LOG_KEY_FILE", raising=False)
    assert redaction(write(tmp_path, "omit", "omit"), "outcome")
    path = write(tmp_path, "hash", "omit")

    with pytest.raises(
        ConfigError, match="column mail is hashed in the prediction log, which needs a key: set SERVING"
    ):
        redaction(path, "outcome")
    monkeypatch.setenv("SERVING_LOG_KEY", "short")
    with pytest.raises(ConfigError, match="has 5 characters, 16 are the least"):
        redaction(path, "outcome")


def test_a_key_may_be_in_a_file_but_not_in_git(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = redaction(file, "outcome")
    place = tmp_path / "key"
    monkeypatch.delenv("SERVING_LOG_KEY")
    monkeypatch.setenv("SERVING_LOG_KEY_FILE", str(place))
    with pytest.raises(ConfigError, match="no such file, or an empty one"):
        redaction(file, "outcome")
    place.write_text(f"{KEY}\n")
    made = redaction(file, "outcome")
    assert made
    assert expected
    assert made.value("mail", "a@x") == expected.value("mail", "a@x")

    for command in (["git", "init", "-q"], ["git", "add", "key"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    with pytest.raises(ConfigError, match="is in git, where a key must not be"):
        redaction(file, "outcome")


def test_a_server_writes_what_is_left_of_a_row(tmp_path: Path) -> None:
    from lifecycle.serving.answer_recorder import AnswerRecorder
    from lifecycle.serving.pending_request import Answer
    from lifecycle.serving.prometheus_metrics import ServerMetrics

    recorder = AnswerRecorder(
        "production", Log(tmp_path), ServerMetrics(), Redaction({"mail": "hash", "name": "omit"}, b"k")
    )
    row = SimpleNamespace(
        record=b'{"mail":"a@x","name":"Ann","size":0.1}',
        request_id="r",
        row_id="r",
        trace=b"",
        since=time.perf_counter(),
    )
    request: Any = SimpleNamespace(role="production", rows=[row], since=row.since)
    served: Any = SimpleNamespace(version=1)

    recorder.record(served, [request], [[Answer(b'"prediction":1.5}', 1.5)]], 0.01)

    (path,) = tmp_path.glob("*/*.jsonl")
    assert "a@x" not in path.read_text()
    assert "Ann" not in path.read_text()
    logged = json.loads(path.read_text())
    assert list(logged["inputs"]) == ["mail", "size"]
    assert logged["prediction"] == 1.5


def test_a_hashed_answer_is_not_explained() -> None:
    from lifecycle.serving.answer_explanation import explain_logged

    hashed = Redaction({"mail": "hash"}, b"k").row({"mail": "a@x", "size": 0.1})
    answer = {"request_id": "r", "version": 1, "inputs": hashed}

    with pytest.raises(DataError, match="the log has mail hashed, and the model takes it"):
        explain_logged(answer, SimpleNamespace(columns=["size", "mail"]))


@pytest.mark.parametrize("exclude", [[], ["name"]])
def test_retraining_refuses_columns_that_the_log_does_not_have(file: Path, params: Params, exclude: list[str]) -> None:
    from lifecycle.retraining.dataset import add_rows

    data = params.data.model_copy(update={"id": "mail", "target": "outcome", "exclude": exclude})

    with pytest.raises(RefusedError) as refused:
        add_rows(file.parent, params.model_copy(update={"data": data}), [], 1)

    named = "mail (hashed)" if exclude else "mail (hashed), name (left out)"
    assert f"the prediction log does not have what the dataset needs: {named}; new rows" in str(refused.value)
