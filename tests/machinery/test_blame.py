"""What fails in a library, or in the user's code, ends in one line: what of the user's it was about, and the library's own reason."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from alembic.util import CommandError
from sqlalchemy.exc import OperationalError

from lifecycle.batch import local_engine
from lifecycle.core import dvc, estimator, predict, user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError, concerning, of_users_code
from lifecycle.core.files import read_parquet
from lifecycle.core.git import git
from lifecycle.core.tracking import store
from lifecycle.gate import dvc_diffs, staleness
from lifecycle.pipeline import prediction_process, train, validate
from lifecycle.retraining import pull_request


def fault(*_: Any, **__: Any) -> None:
    raise RuntimeError("injected\nfault")


def test_a_fit_that_fails_names_the_estimator_and_the_rows(
    features: pd.DataFrame, inputs: list[str], params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(estimator.make_estimator(params)), "fit", fault)
    line = rf"params.yaml: train: {params.train.estimator} cannot be fitted on the 1,500 training rows: RuntimeError: injected fault"

    with pytest.raises(DataError, match=line):
        train.fit(features, inputs, params)


def test_a_prediction_that_fails_names_the_model(
    params: Params, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "rows.parquet")
    monkeypatch.setattr(predict, "predict", fault)

    with pytest.raises(DataError, match=r"models/model.skops cannot predict 2 rows: RuntimeError: injected"):
        prediction_process._predict(None, params, str(tmp_path / "rows.parquet"), str(tmp_path / "predictions.parquet"))


def test_a_validation_that_fails_names_the_contract_and_the_table(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pa.DataFrameSchema, "validate", fault)

    with pytest.raises(
        DataError, match=rf"contract.yaml: {params.data.raw} cannot be validated: RuntimeError: injected"
    ):
        validate.report(frame, schema, params, params.data.raw)


def test_code_of_the_users_that_fails_is_named_by_file_and_line(params: Params) -> None:
    build_features = user_code.get(params.package, "features", "build_features")
    line = (
        rf"^src/{params.package}/features.py, line \d+, in build_features: \w+: .*LIFECYCLE_DEBUG=1 shows the traceback"
    )

    with pytest.raises(ConfigError, match=line), concerning("anything else"):
        build_features(None)


def test_a_fault_of_our_own_is_not_blamed_on_the_users_code() -> None:
    with pytest.raises(RuntimeError) as error:
        fault()

    assert of_users_code(error.value) is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, r"no such file; `make repro` makes it"), (b"PAR1", r"cannot be read: .+; remove it, then `make repro`")],
    ids=["missing", "damaged"],
)
def test_a_file_of_the_pipelines_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / "train.parquet"
    if content:
        path.write_bytes(content)

    with pytest.raises((ConfigError, DataError), match=f"{path}: {complaint}"):
        read_parquet(path)


@pytest.mark.parametrize(
    "error",
    [
        CommandError("Can't locate revision identified by 'f5a4'"),
        OperationalError("SELECT 1", {}, Exception("Can't locate")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_store_of_mlflows_that_fails_is_named_by_its_address(
    error: Exception, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")

    line = rf"(?s)MLflow at sqlite:///{tmp_path}/mlflow.db failed: .*Can't locate.*; nothing was done"
    with pytest.raises(ConfigError, match=line), store(params, "nothing was done"):
        raise error


FAULTY = "#!/bin/sh\necho 'before it'\necho \"$NAME: injected fault\" >&2\nexit 255\n"


def faulty_program(folder: Path, prefix: str) -> Path:
    """A program that fails with a reason, whatever it is asked."""
    folder.mkdir()
    program = folder / "git"
    program.write_text(FAULTY.replace("$NAME", prefix))
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("call", "command"),
    [
        (lambda folder: dvc.cache_folder.__wrapped__(), "dvc cache dir"),
        (lambda folder: dvc_diffs.metrics_diff("HEAD", folder), "dvc metrics diff"),
        (lambda folder: dvc_diffs.params_diff("HEAD~1", "HEAD"), "dvc params diff"),
        (lambda folder: staleness.uncommitted("HEAD", 0.0), "dvc data status"),
        (lambda folder: pull_request.push(folder, "retrain", "0123456"), "dvc push"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_command_of_dvcs_that_fails_is_named_with_its_reason(
    call: Callable[[Path], Any], command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(faulty_program(tmp_path / "bin", "ERROR")))

    with pytest.raises(ConfigError, match=rf"^{command}: .*injected fault"):
        call(tmp_path)


def test_git_that_fails_is_named_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = faulty_program(tmp_path / "bin", "fatal")  # the folder of Python's program is first on PATH
    monkeypatch.setattr(sys, "executable", str(beside))

    with pytest.raises(ConfigError, match=r"^git: fatal: injected fault$"):
        git("status")


def test_a_version_that_fails_on_rows_of_a_table_is_named_with_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    class Scorer:
        score = fault

    rows = iter([pd.DataFrame({"a": [1, 2]})])
    line = r"^table.csv: the version cannot score it: RuntimeError: injected\nfault; nothing was written"

    with pytest.raises(DataError, match=line):
        list(local_engine._in_order(Scorer(), rows, "table.csv"))  # type: ignore[arg-type]
