"""What a fitted estimator remembers of the run that fitted it: taken out, so that equal models are equal bytes."""

from typing import Any

from sklearn.base import BaseEstimator

from lifecycle.core.parameter_names import library

# Attributes that no prediction needs: left by early stopping on a score, which skops cannot save; a search's clock.
# A vectorizer of texts keeps an address in memory.
LEFT_OVER = ("_scorer", "_raw_predict", "scorer_", "refit_time_", "_stop_words_id")
DEPTH = 12  # of what holds what: a pipeline's steps, a step's columns, their transformers, ...
TIMES = ("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time")  # of a search, in cv_results_
METADATA = ("train_finish_time", "model_guid")  # of CatBoost's models


def forget_the_run(estimator: BaseEstimator) -> None:
    """Reset threads, verbosity, clocks, addresses and random names in a fitted estimator or pipeline, and in those that it holds."""
    for inner in _held(estimator):
        _reset(inner)


def _reset(estimator: Any) -> None:
    for name in LEFT_OVER:
        vars(estimator).pop(name, None)
    if library(type(estimator)) == "catboost":
        metadata = estimator.get_metadata()
        for name in METADATA:
            metadata[name] = ""
        return  # its parameters cannot be changed once it is fitted
    names = set(estimator.get_params(deep=False))
    if "n_jobs" in names:
        estimator.set_params(n_jobs=None)
    if "verbose" in names and library(type(estimator)) == "sklearn":
        estimator.set_params(verbose=0)
    if hasattr(estimator, "_bin_mapper"):
        estimator._bin_mapper.n_threads = 1
    for name in TIMES:
        getattr(estimator, "cv_results_", {}).pop(name, None)


def _held(node: Any, depth: int = 0) -> list[Any]:
    """The estimators in an attribute of an estimator, itself included."""
    if depth > DEPTH:
        return []
    if isinstance(node, list | tuple):
        return [inner for item in node for inner in _held(item, depth + 1)]
    if isinstance(node, dict):
        return [inner for item in node.values() for inner in _held(item, depth + 1)]
    if isinstance(node, type) or not hasattr(node, "get_params"):
        return []
    return [node, *(inner for item in vars(node).values() for inner in _held(item, depth + 1))]
