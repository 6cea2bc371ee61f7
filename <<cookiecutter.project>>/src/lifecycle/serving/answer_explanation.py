"""Why a server answered a request as it did: by the version that answered, for the inputs that were logged."""

import json
from pathlib import Path
from typing import Any

from lifecycle.core import config, version_loading
from lifecycle.core.errors import DataError
from lifecycle.core.times import EPOCH, Window, now
from lifecycle.core.tracking import store
from lifecycle.pipeline.row_explanation import explained
from lifecycle.prediction_log.private_columns import is_hashed
from lifecycle.prediction_log.reader import blocks
from lifecycle.prediction_log.writer import PREDICTIONS, SKEW
from lifecycle.registry import version_cache
from lifecycle.registry.aliases import SHADOW


def explain_answer(request_id: str, log: Path | str, cache: Path) -> str:
    """Return why a request was answered as it was.

    The code of the version takes the place of this process's `lifecycle`: nothing else can be done in it afterwards.

    Args:
        request_id: as the server logged it.
        log: the folder of the prediction log, or its URL.
        cache: the folder for versions that are fetched from the registry.

    Raises DataError if no such request is in the log, or its inputs are not there as the model takes them.
    """
    answer = logged_answer(request_id, log)
    params = config.load()
    with store(params, "nothing is explained") as client:
        folder = version_cache.fetch(client, params.track.model, answer["version"], cache)
    version_cache.prune(cache, {folder})
    return explain_logged(answer, version_loading.load(folder))


def logged_answer(request_id: str, log: Path | str) -> dict[str, Any]:
    """Return the line of the log with the answer that was sent. Raises DataError if there is none."""
    name = json.dumps(request_id).encode()
    for lines in blocks(log, Window(EPOCH, now() + SKEW), PREDICTIONS):
        for answer in (_parsed(line) for line in lines if name in line):
            if answer.get("request_id") == request_id and answer.get("role") != SHADOW:
                return answer
    raise DataError(f"{request_id}: no answer to a request of this id is in {log}")


def explain_logged(answer: dict[str, Any], scoring: Any) -> str:
    """Return why a version gave an answer.

    Args:
        answer: a line of the log.
        scoring: the version's own Scoring, whose known rows are what the answer is compared with.

    Raises DataError if a column that the model takes was not logged, or not as its contract has it.
    """
    title, inputs = f"request {answer['request_id']}, version {answer['version']}", answer["inputs"]
    if missing := [name for name in scoring.columns if name not in inputs]:
        raise DataError(f"{title}: the log has no {missing[0]}, which the model takes, so it cannot be explained")
    if hashed := [name for name in scoring.columns if is_hashed(inputs[name])]:
        raise DataError(f"{title}: the log has {hashed[0]} hashed, and the model takes it, so it cannot be explained")
    known, _ = scoring.known()
    try:
        rows = scoring.frame([inputs, *known])
    except (TypeError, ValueError) as error:
        raise DataError(f"{title}: the log does not have the inputs as the contract does: {error}") from None
    return explained(title, rows, scoring.score, scoring.params)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError:  # cut short, as the reader's other users find it
        return {}
    return answer
