"""The user's metrics, run for another process: python -m lifecycle.core.metric_worker DESCRIPTOR PACKAGE NAME...

It gets tables of arrays and row counts through a connection, and answers with numbers: see metric_process.py.
"""

import io
import json
import math
import numbers
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from lifecycle.core import user_code
from lifecycle.core.errors import DEBUG, ProjectError

SOURCE = "metrics.py"
UNDEFINED = (ValueError, ArithmeticError)
"""What a function may raise where the rows do not define its metric, such as rows of one class only."""


def answer(function: Callable[..., Any], actual: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Return the `value` of a metric, or why the rows leave it `undefined`, or the `error` if neither."""
    try:
        value = function(actual, predicted)
    except UNDEFINED as error:
        return {"undefined": f"{type(error).__name__}: {error}"}
    except BaseException as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        return {"error": f"{type(error).__name__}: {error} (line {line})"}
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return {"error": f"it returns {str(value)[:40]!r}, not a number"}
    return {"value": float(value)} if math.isfinite(value) else {"undefined": f"it returns {float(value)}"}


def answer_requests(connection: Connection, functions: dict[str, Callable[..., Any]]) -> None:
    """Answer requests until the other process closes its end of the connection."""
    tables: dict[int, dict[str, np.ndarray]] = {}
    while True:
        request = json.loads(connection.recv_bytes())
        if "forget" in request:
            tables.pop(request["forget"], None)
        elif "keep" in request:
            with np.load(io.BytesIO(connection.recv_bytes()), allow_pickle=False) as arrays:
                tables[request["keep"]] = dict(arrays)
        else:
            table, counts = tables[request["table"]], np.frombuffer(connection.recv_bytes(), dtype=np.int64)
            rows = slice(None) if (counts == 1).all() else np.repeat(np.arange(len(counts)), counts)
            reply = answer(functions[request["metric"]], table["actual"][rows], table[request["takes"]][rows])
            connection.send_bytes(json.dumps(reply).encode())


def main() -> None:
    descriptor, package, *names = sys.argv[1:]
    connection = Connection(int(descriptor))
    warnings.simplefilter("ignore")  # of a thousand resamples, some of which do not define a metric
    try:
        module = user_code.load(package, "metrics")
        functions = {name: getattr(module, name) for name in names}
        connection.send_bytes(json.dumps({}).encode())
        answer_requests(connection, functions)
    except EOFError:
        pass
    except ProjectError as error:
        connection.send_bytes(json.dumps({"error": str(error)}).encode())
    except Exception as error:
        if os.environ.get(DEBUG):
            traceback.print_exc()
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(SOURCE)]
        place = f"src/{package}/{SOURCE}, line {lines[-1]}" if lines else f"src/{package}/{SOURCE}"
        connection.send_bytes(json.dumps({"error": f"{place}: {type(error).__name__}: {error}"}).encode())


if __name__ == "__main__":
    main()
