"""The estimator that params.yaml names, with its parameters and the seed."""

import importlib
from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_regressor

from lifecycle.core import user_code
from lifecycle.core.config import Params
from lifecycle.core.encoded_labels import EncodedLabels
from lifecycle.core.errors import ConfigError, did_you_mean
from lifecycle.core.library_output import VERBOSITY, refusal
from lifecycle.core.named_settings import by_column
from lifecycle.core.parameter_names import in_own_names, library
from lifecycle.core.row_weights import weight_argument

# Parameters that a library's estimators get unless params.yaml has them: silent, and the same model whatever the number of threads.
DEFAULTS: dict[str, dict[str, Any]] = {
    "lightgbm": {"verbosity": -1, "deterministic": True, "force_row_wise": True},
    "xgboost": {"verbosity": 0},
    "catboost": {"logging_level": "Silent", "allow_writing_files": False},
}
SEEDS = ("random_state", "random_seed")


def make_estimator(params: Params) -> BaseEstimator:
    """Return the unfitted estimator that params.yaml names: a class by its import path, or a function of the user's model.py.

    Every random_state in it that is not set is the seed. A classifier that takes numbers alone as labels comes inside an
    EncodedLabels.

    Raises ConfigError if there is nothing of that name, it is not an estimator for the task, a parameter has a name or value
    that it refuses, or rows have weights and it takes none.
    """
    name, task = params.train.estimator, params.task
    where = f"params.yaml: train.estimator {name}"
    estimator = unset_estimator(params)
    if not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")):
        raise ConfigError(
            f"{where}: {type(estimator).__name__} has no scikit-learn interface: fit, predict, get_params"
        )
    needed = "regressor" if task == "regression" else "classifier"
    kinds = [
        kind for kind, is_kind in (("regressor", is_regressor), ("classifier", is_classifier)) if is_kind(estimator)
    ]
    if needed not in kinds:
        raise ConfigError(
            f"{where} is {' and '.join(f'a {kind}' for kind in kinds) or 'neither a classifier nor a regressor'}, and the task is {task}: name a {needed}"
        )
    place = f"params.yaml: {params.train.place}"
    try:
        settings = in_own_names(estimator, params.train.settings)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from None
    try:
        _set(estimator, settings, params.seed)
    except Exception as error:
        if not concerns_settings(error, type(estimator)):
            raise
        raise ConfigError(f"{place}: {refusal(error, estimator, params.train.settings)}") from error
    if not hasattr(estimator, "final_estimator"):  # a stack cannot tell before it is fitted
        check_probabilities(estimator, params)
    if library(type(estimator)) == "xgboost" and task != "regression":
        estimator = EncodedLabels(estimator)
    weight_argument(estimator, params)
    return estimator


def unset_estimator(params: Params) -> BaseEstimator:
    """Return the estimator that params.yaml names before it is given its parameters. Raises ConfigError if nothing makes it."""
    make = _factory(params)
    try:
        return make()
    except TypeError as error:
        raise ConfigError(
            f"params.yaml: train.estimator {params.train.estimator}: it cannot be made without arguments: {error}; make it in a "
            "function of model.py"
        ) from error


def check_probabilities(estimator: BaseEstimator, params: Params) -> None:
    """Raise ConfigError if an estimator for a classification gives no probabilities."""
    gives = hasattr(estimator, "predict_proba") or (
        params.train.calibration and hasattr(estimator, "decision_function")
    )
    if params.task != "regression" and not gives:
        raise ConfigError(
            f"params.yaml: train.estimator {params.train.estimator} has no predict_proba, and a {params.task} task needs "
            "probabilities; choose other parameters, or set train.calibration to sigmoid"
        )


def name_of(estimator: BaseEstimator) -> str:
    """Return the name of an estimator's class, or of the class within one that encodes labels."""
    return type(estimator.estimator if isinstance(estimator, EncodedLabels) else estimator).__name__


def set_seeds(estimator: BaseEstimator, seed: int) -> None:
    """Give every random_state in an estimator or a transformer that is not set the seed."""
    names = estimator.get_params()
    unset = [name for name, value in names.items() if name.rpartition("__")[2] == "random_state" and value is None]
    estimator.set_params(**dict.fromkeys(unset, seed))


def concerns_settings(error: Exception, estimator: type[BaseEstimator]) -> bool:
    """Return whether an estimator's error is about its settings: ValueError, TypeError, or one of its own library's."""
    return isinstance(error, ValueError | TypeError) or library(type(error)) == library(estimator)


def _factory(params: Params) -> Callable[[], BaseEstimator]:
    """What makes the estimator: a class by its import path, or what model.py has under the name."""
    name, model_py = params.train.estimator, f"src/{params.package}/model.py"
    by_name = getattr(user_code.load(params.package, "model"), "ESTIMATORS", {})
    known = {key for of_kind in by_name.values() for key in of_kind}
    if unknown := [key for key in params.train.sections if key not in known]:
        hint = did_you_mean(unknown[0], {*known, "parameters"})
        raise ConfigError(f"params.yaml: train.{unknown[0]} is not a parameter{hint}")
    if "." in name:
        return _imported(name)
    of_task = by_name.get("regression" if params.task == "regression" else "classification", {})
    if name in known and name not in of_task:
        raise ConfigError(f"params.yaml: train.estimator {name} is not in ESTIMATORS of {model_py} for {params.task}")
    own = user_code.load(params.package, "model").__dict__
    names = [
        key
        for key, value in own.items()
        if callable(value) and getattr(value, "__module__", "").startswith(params.package)
    ]
    make: Callable[[], BaseEstimator] | None = of_task.get(name) or (own[name] if name in names else None)
    if make is None:
        raise ConfigError(
            f"params.yaml: train.estimator {name} is neither an import path, such as sklearn.linear_model.Ridge, nor a function "
            f"or class in {model_py}{did_you_mean(name, [*of_task, *names])}"
        )
    return make


def _imported(path: str) -> Callable[[], BaseEstimator]:
    """The class at an import path. Raises ConfigError if its package is not installed, or does not have it."""
    module_name, _, name = path.rpartition(".")
    where = f"params.yaml: train.estimator {path}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if module_name == error.name or module_name.startswith(f"{error.name}."):
            try:
                importlib.import_module(package)
            except ModuleNotFoundError:
                raise ConfigError(
                    f"{where}: {package} is not installed: add it to dependencies in pyproject.toml, then make lock setup"
                ) from None
            raise ConfigError(f"{where}: {package} has no module {error.name}") from None
        raise ConfigError(
            f"{where} needs {error.name}, which is not installed: add it to pyproject.toml, then make lock setup"
        ) from error
    except Exception as error:  # such as a library of the system that is missing
        raise ConfigError(f"{where}: {module_name} cannot be imported: {error}") from error
    kind = getattr(module, name, None)
    if not isinstance(kind, type):
        classes = [key for key, value in vars(module).items() if isinstance(value, type)]
        raise ConfigError(f"{where}: {module_name} has no class {name}{did_you_mean(name, classes)}")
    return kind


def _set(estimator: BaseEstimator, settings: dict[str, Any], seed: int) -> None:
    """Give an estimator its parameters, by its own names, its library's defaults, and the seed."""
    of_library = library(type(estimator))
    defaults = DEFAULTS.get(of_library, {})
    if set(settings) & VERBOSITY.get(of_library, set()):  # the user's own word counts, under whatever name
        defaults = {name: value for name, value in defaults.items() if name not in VERBOSITY[of_library]}
    of_columns = by_column(settings)  # set last: scikit-learn's forests take lists alone
    of_parameters = {name: value for name, value in settings.items() if name not in of_columns}
    estimator.set_params(**{**defaults, **of_parameters})
    set_seeds(estimator, seed)
    # CatBoost has no parameter that was not set.
    if of_library == "catboost" and not set(SEEDS) & set(estimator.get_params()):
        estimator.set_params(**{SEEDS[0]: seed})
    if hasattr(estimator, "_parameter_constraints"):  # scikit-learn's own: refuse now what `fit` would refuse
        estimator._validate_params()
    estimator.set_params(**of_columns)
