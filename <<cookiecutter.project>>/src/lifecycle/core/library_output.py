"""What the libraries beside scikit-learn print, and what they say of a value that they refuse."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from sklearn.base import BaseEstimator

from lifecycle.core.encoded_labels import EncodedLabels
from lifecycle.core.errors import DEBUG
from lifecycle.core.parameter_names import library, spellings

# What makes a library print: its parameters by any name.
VERBOSITY = {
    "lightgbm": {"verbosity", "verbose"},
    "xgboost": {"verbosity"},
    "catboost": {"logging_level", "verbose", "verbose_eval", "silent"},
}
SOURCE = r"\S+\.(?:cc|cpp|cu|cuh|h|hpp)"
# A clock, a place in the source, and a stack are of no use to whoever wrote the value.
NOISE = re.compile(rf"^\[[\d:]+\] |{SOURCE}:\d+: ?| at {SOURCE}, line \d+ ?\.?|\n?Stack trace:.*", re.DOTALL)
CHECK = re.compile(r"Check failed: \((\w+)\) (\S+) \(([^)]+)\)")
LIKE_A_WORD = 4  # characters


@contextmanager
def silenced(estimator: BaseEstimator, settings: Mapping[str, Any]) -> Iterator[None]:
    """Keep from the terminal what LightGBM, XGBoost and CatBoost print in the block; their errors pass, and Python's warnings too.

    LightGBM writes why it fails to the terminal whatever its verbosity. Nothing is kept back if the settings ask for output, or
    LIFECYCLE_DEBUG is set.

    Args:
        estimator: that works in the block, or that holds one that does.
        settings: of params.yaml.
    """
    libraries = {library(type(each)) for each in (estimator, *estimator.get_params().values())} & set(VERBOSITY)
    verbosity = {name for each in libraries for name in VERBOSITY[each]}
    asks_for_output = not verbosity.isdisjoint(name.rpartition("__")[2] for name in settings)
    if not libraries or asks_for_output or os.environ.get(DEBUG):
        yield
        return
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    terminals = [os.dup(descriptor) for descriptor in (1, 2)]
    try:
        with open(os.devnull, "w") as nowhere, os.fdopen(os.dup(2), "w", buffering=1) as errors:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            with redirect_stdout(nowhere), redirect_stderr(errors):
                yield
    finally:
        for descriptor, terminal in zip((1, 2), terminals, strict=True):
            os.dup2(terminal, descriptor)
            os.close(terminal)


def refusal(error: Exception, estimator: BaseEstimator, settings: Mapping[str, Any]) -> str:
    """Return why an estimator refuses its settings: in front the one that its library's error is about, if that can be told."""
    inner = estimator.estimator if isinstance(estimator, EncodedLabels) else estimator
    if library(type(inner)) not in VERBOSITY:
        return str(error)
    message = NOISE.sub("", str(error)).strip()
    message = message.partition("\n")[0]  # XGBoost describes the parameter behind it
    name = _subject(message, inner, settings)
    if name is None:
        return message
    reason = CHECK.sub(r"it must be \2 \3", message)
    return f"{name}: {settings[name]} is refused by {type(inner).__name__}: {reason}"


def _subject(message: str, estimator: BaseEstimator, settings: Mapping[str, Any]) -> str | None:
    """The parameter that a message is about: one that it names, however it is spelt, or else one whose value it has."""
    squashed = _squashed(message)
    lengths = {
        name: max(
            (
                len(each)
                for each in map(_squashed, spellings(estimator, name))
                if len(each) >= LIKE_A_WORD and each in squashed
            ),
            default=0,
        )
        for name in settings
    }
    if any(lengths.values()):
        return max(lengths, key=lambda name: lengths[name])
    return next(
        (name for name, value in settings.items() if isinstance(value, str) and value and value in message), None
    )


def _squashed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
