"""A process of its own for the user's code, while another one measures what it predicts: rows go in, predictions come out.

What measures does not import the user's code, and that code is not given the target of the rows that it predicts. So a feature
function or a model can neither see what it is to predict nor change how it is judged while `evaluate` runs. Both processes are
the same user's: what reads or writes the files of the other is beyond this, and is for a reviewer to see.
"""

import json
import multiprocessing
import os
import sys
import tempfile
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd

from lifecycle.core import config, model_file, predict
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError, ProjectError, concerning
from lifecycle.core.files import read_parquet, write_parquet
from lifecycle.pipeline.baselines import predictions_of_baselines
from lifecycle.pipeline.calibration import described, uncalibrated

ROUNDING = 1e-3  # of probabilities; those of single precision are off by less


class PredictionProcess:
    """The committed model in a process of its own. A context manager, which ends the process.

    Its methods raise what the user's code runs into: ConfigError and DataError as they are; anything else ends this process
    too, with exit code 1, after the other has printed the traceback.
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.inputs: list[str] = []
        """The raw columns that the model takes."""
        self.estimator = ""
        """The name of its class, and how it is calibrated."""
        self.threshold = float("nan")
        """At and above which it labels a row positive; of a binary task."""
        self._folder = tempfile.TemporaryDirectory(prefix="predictions-")

    def __enter__(self) -> Self:
        # Forked, so that it need not import pandas and scikit-learn again; nothing here has used either yet.
        context = multiprocessing.get_context("fork")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._connection, self.params), daemon=True)
        self._process.start()
        theirs.close()
        ready = self._receive()
        self.inputs, self.estimator, self.threshold = ready["inputs"], ready["estimator"], float(ready["threshold"])
        if others := {*self.inputs} - {*self.params.data.inputs(self.inputs)}:
            raise DataError(f"the model asks for the column {min(others)}, which a model is not given")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()
        self._process.join(5)
        self._process.kill()
        self._folder.cleanup()

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the predictions for rows, as `core.predict.predict` does; of its columns the model is given its inputs."""
        write_parquet(frame[self.inputs], self._file("rows"))
        self._ask(rows=str(self._file("rows")), to=str(self._file("predictions")))
        return self._read("predictions", frame)

    def uncalibrated(self, frame: pd.DataFrame) -> pd.DataFrame | None:
        """Return what the model would predict without its calibration; None if it has none, or could not without."""
        write_parquet(frame[self.inputs], self._file("rows"))
        reply = self._ask(uncalibrated=str(self._file("rows")), to=str(self._file("predictions")))
        return self._read("predictions", frame) if reply["predicted"] else None

    def baselines(self, test: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], str]:
        """Return the predictions of the baselines for the test rows, and why there are none of the linear one, or nothing."""
        columns = [name for name in test if name not in (self.params.data.id, self.params.data.target)]
        write_parquet(test[columns], self._file("rows"))
        reply = self._ask(baselines=str(self._file("rows")), to=str(self._file("{}")))
        return {name: self._read(name, test) for name in reply["names"]}, str(reply["failure"])

    def _file(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.parquet"

    def _read(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        predictions = read_parquet(self._file(name))
        scores = predictions if self.params.task == "regression" else predictions.drop(columns="prediction")
        if len(predictions) != len(frame) or any(not pd.api.types.is_float_dtype(kind) for kind in scores.dtypes):
            raise DataError(f"the model gives {len(predictions):,} predictions for {len(frame):,} rows, or not numbers")
        if self.params.task != "regression":
            refuse_improbable(scores)
        return predictions.set_axis(frame.index)

    def _ask(self, **request: str) -> dict[str, Any]:
        self._connection.send_bytes(json.dumps(request).encode())
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        try:
            reply: dict[str, Any] = json.loads(self._connection.recv_bytes())  # never a pickle
        except EOFError:
            self._process.join(5)
            raise DataError(
                f"the process that predicts has ended with exit code {self._process.exitcode}: a library crashed, or memory ran out"
            ) from None
        if "error" in reply:
            raise (DataError if reply["exit_code"] == DataError.exit_code else ConfigError)(reply["error"])
        if reply.get("traceback"):
            sys.exit(1)
        return reply


def refuse_improbable(scores: pd.DataFrame) -> None:
    """Raise DataError if the scores of classes are no probabilities: a log loss would reward numbers above 1."""
    values = scores.to_numpy(dtype="float64")
    outside = (values < -ROUNDING) | (values > 1 + ROUNDING)
    other_sum = np.abs(values.sum(axis=1) - 1) > ROUNDING if values.shape[1] > 1 else np.zeros(len(values), dtype=bool)
    if wrong := int((outside.any(axis=1) | other_sum).sum()):
        raise DataError(
            f"predict_proba gives no probabilities in {wrong:,} rows: they must lie between 0 and 1, and be 1 in total"
        )


def _serve(connection: Connection, parents_end: Connection, params: Params) -> None:
    """Answer requests until the other process closes its end of the connection."""
    parents_end.close()
    try:
        model = model_file.load(config.MODEL, params.package)
        reply: dict[str, Any] = {
            "inputs": list(map(str, model.feature_names_in_)),
            "estimator": described(model[-1], params),
            "threshold": predict.threshold(model, params),
        }
        while True:
            connection.send_bytes(json.dumps(reply).encode())
            request = json.loads(connection.recv_bytes())
            if "rows" in request:
                _predict(model, params, request["rows"], request["to"])
                reply = {}
            elif "uncalibrated" in request:
                without = uncalibrated(model, params)
                if without is not None:
                    _predict(without, params, request["uncalibrated"], request["to"])
                reply = {"predicted": without is not None}
            else:
                train, test = read_parquet(config.FEATURES / "train.parquet"), read_parquet(Path(request["baselines"]))
                predictions, failure = predictions_of_baselines(train, test, params)
                for name, of_baseline in predictions.items():
                    write_parquet(of_baseline, Path(request["to"].format(name)))
                reply = {"names": list(predictions), "failure": failure}
    except (EOFError, BrokenPipeError):
        pass
    except ProjectError as error:
        connection.send_bytes(json.dumps({"error": str(error), "exit_code": error.exit_code}).encode())
    except BaseException:
        traceback.print_exc()
        connection.send_bytes(json.dumps({"traceback": True}).encode())
    sys.stdout.flush()
    os._exit(0)


def _predict(model: Any, params: Params, rows: str, to: str) -> None:
    """Write the predictions for the rows of a file to another one."""
    frame = read_parquet(Path(rows))
    with predict.threads(len(frame)), concerning(f"{config.MODEL} cannot predict {len(frame):,} rows"):
        predictions = predict.predict(model, frame, params)
    write_parquet(predictions, Path(to))
