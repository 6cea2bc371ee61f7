"""A process of its own for the user's metrics: what measures a model gets numbers from it, and imports none of its code."""

import io
import json
import multiprocessing
import os
import subprocess
import sys
import weakref
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd

from lifecycle.core import metric_worker, metrics
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.home import SRC
from lifecycle.core.metrics import Measure
from lifecycle.core.own_metrics import OwnMetrics, source_of

LONGEST_SECONDS = 60.0  # for one metric of all rows, or of one resample


class MetricProcess:
    """The user's metrics in a process of its own; none is started where there are none. A context manager, which ends it."""

    def __init__(self, package: str, own: OwnMetrics, source: Path = SRC) -> None:
        """`package`: the user's; `own`: the metrics that its metrics.py declares; `source`: the folder that has the package."""
        self.own = own
        self._package, self._source, self._path = package, source.resolve(), source_of(package)
        self._undefined: dict[str, str] = {}
        self._tables = count()

    def __enter__(self) -> Self:
        if not self.own:
            return self
        # Not forked: threads of what is loaded here would not come along, and neither should an open file.
        self._connection, theirs = multiprocessing.Pipe()
        paths = [str(self._source), *filter(None, [os.environ.get("PYTHONPATH")])]
        worker = [sys.executable, "-P", "-m", metric_worker.__name__, str(theirs.fileno()), self._package, *self.own]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        self._process = subprocess.Popen(worker, env=environment, pass_fds=[theirs.fileno()])
        theirs.close()
        try:
            if error := self._receive("importing it").get("error"):
                raise ConfigError(error)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.own:
            self._connection.close()
            self._process.kill()
            self._process.wait()

    def measure(self, actual: pd.Series, predictions: pd.DataFrame, params: Params) -> Measure:
        """Return the measure of these metrics, as `core.metrics.measure` does of the built-in ones.

        A metric that the weighted rows do not define is NaN. The measure raises DataError if a function does not return a
        number, raises anything but a ValueError or ArithmeticError, or does not return.
        """
        if not self.own:
            return lambda weights: {}
        table = next(self._tables)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **_arrays(actual, predictions, params))
        self._send({"keep": table}, buffer.getvalue())

        def measure(weights: np.ndarray) -> dict[str, float]:
            counts = weights.astype(np.int64)
            return {name: self._value(name, table, counts) for name in self.own}

        weakref.finalize(measure, self._forget, table)
        return measure

    def require(self, points: dict[str, float], rows: str) -> None:
        """Raise DataError if metrics of `rows`, which say which rows those are, lack one of the user's."""
        for name in self.own:
            if name not in points:
                raise DataError(f"{self._path}: {name} is not defined on the {rows}: {self._undefined.get(name)}")

    def _value(self, name: str, table: int, counts: np.ndarray) -> float:
        if not counts.any():
            return float("nan")
        self._send({"table": table, "metric": name, "takes": self.own[name].takes}, counts.tobytes())
        reply = self._receive(f"{name} on {counts.sum():,} rows")
        if "error" in reply:
            raise DataError(f"{self._path}: {name}: {reply['error']}")
        if "undefined" in reply:
            self._undefined[name] = str(reply["undefined"])
        return float(reply.get("value", "nan"))

    def _send(self, request: dict[str, Any], content: bytes = b"") -> None:
        try:
            for message in filter(None, (json.dumps(request).encode(), content)):
                self._connection.send_bytes(message)
        except OSError:
            self._ended()

    def _forget(self, table: int) -> None:
        if not self._connection.closed and self._process.poll() is None:
            self._send({"forget": table})

    def _receive(self, what: str) -> dict[str, Any]:
        if not self._connection.poll(LONGEST_SECONDS):
            raise DataError(f"{self._path}: {what} has taken more than {LONGEST_SECONDS:g} seconds, and was stopped")
        try:
            reply: dict[str, Any] = json.loads(self._connection.recv_bytes())  # never a pickle
        except (EOFError, OSError):
            self._ended()
        return reply

    def _ended(self) -> None:
        code = self._process.wait()
        raise DataError(
            f"{self._path}: its process has ended with exit code {code}: a library crashed, or memory ran out"
        )


def _arrays(actual: pd.Series, predictions: pd.DataFrame, params: Params) -> dict[str, np.ndarray]:
    """What a metric may take, each of shape (rows, ...)."""
    if params.task == "regression":
        return {"actual": actual.to_numpy(dtype=float), "prediction": predictions["prediction"].to_numpy(dtype=float)}
    one_hot, scores = metrics.one_hot_and_scores(actual, predictions, params)
    if params.task == "binary":
        label = metrics.labelled_positive(predictions, params)
        return {"actual": one_hot[:, 0], "probability": scores[:, 0], "prediction": label}
    names = np.array(_classes(predictions))
    order = np.argsort(names)  # in which scikit-learn's metrics expect the columns
    labels = {"actual": names[one_hot.argmax(axis=1)], "prediction": names[scores.argmax(axis=1)]}
    return {**labels, "probability": scores[:, order]}


def _classes(predictions: Iterable[Any]) -> list[str]:
    return [str(name).removeprefix("probability_") for name in predictions if str(name).startswith("probability_")]
