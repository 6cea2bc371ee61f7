"""The names of an estimator's parameters: its own, and those under which LightGBM and CatBoost take the same ones."""

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from sklearn.base import BaseEstimator

from lifecycle.core.errors import did_you_mean

# The first is CatBoost's own name: `_process_synonyms_groups` in its core.py.
CATBOOST = (
    ("learning_rate", "eta"),
    ("border_count", "max_bin"),
    ("depth", "max_depth"),
    ("rsm", "colsample_bylevel"),
    ("random_seed", "random_state"),
    ("l2_leaf_reg", "reg_lambda"),
    ("iterations", "n_estimators", "num_boost_round", "num_trees"),
    ("od_wait", "early_stopping_rounds"),
    ("custom_metric", "custom_loss"),
    ("max_leaves", "num_leaves"),
    ("min_data_in_leaf", "min_child_samples"),
    ("loss_function", "objective"),
)


def library(kind: type) -> str:
    """Return the top-level package that a class is of."""
    return kind.__module__.partition(".")[0].lstrip("_")


def aliases(estimator: BaseEstimator) -> dict[str, str]:
    """Return the further names that an estimator which has not been set takes, each with its own name for the parameter."""
    own = set(estimator.get_params())
    return {
        alias: name
        for group in _groups(library(type(estimator)))
        for name in [next((each for each in group if each in own), group[0])]
        for alias in group
        if alias != name
    }


def in_own_names(estimator: BaseEstimator, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters under the estimator's own names: LightGBM ignores some aliases beside the default of its own name.

    Args:
        estimator: not set yet.
        settings: what the user gives it, by name.

    Raises ValueError if a name is none of its parameters, or two are the same parameter.
    """
    kind, own_of, own = type(estimator).__name__, aliases(estimator), _own(estimator)
    if unknown := next((name for name in settings if name not in own and name not in own_of), None):
        similar = [own_of[alias] for alias in difflib.get_close_matches(unknown, own_of, n=1)]
        hint = did_you_mean(unknown, own) or "".join(f" (did you mean {name}?)" for name in similar)
        raise ValueError(f"{unknown} is not a parameter of {kind}{hint}")
    given: dict[str, str] = {}
    for name in settings:
        first = given.setdefault(own_of.get(name, name), name)
        if first != name:
            raise ValueError(f"{first} and {name} are the same parameter of {kind}: keep one")
    return {own_of.get(name, name): value for name, value in settings.items()}


def spellings(estimator: BaseEstimator, name: str) -> set[str]:
    """Return every name under which an estimator's library knows a parameter."""
    return {name, *next((group for group in _groups(library(type(estimator))) if name in group), ())}


def _own(estimator: BaseEstimator) -> set[str]:
    arguments = inspect.signature(type(estimator).__init__).parameters.values()
    named = {
        each.name for each in arguments if each.kind is each.POSITIONAL_OR_KEYWORD or each.kind is each.KEYWORD_ONLY
    }
    groups, further = _groups(library(type(estimator))), aliases(estimator)
    return ({*estimator.get_params(), *named} - {"self"} | {name for group in groups for name in group}) - set(further)


def _groups(of_library: str) -> Iterable[tuple[str, ...]]:
    """The names of each parameter of a library that has more than one; for LightGBM, also of those that have one."""
    if of_library == "catboost":
        return CATBOOST
    if of_library != "lightgbm":
        return ()
    from lightgbm.basic import _ConfigAliases

    return [(name, *_ConfigAliases.get(name) - {name}) for name in _ConfigAliases._get_all_param_aliases()]
