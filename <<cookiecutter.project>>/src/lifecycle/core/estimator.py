"""The estimator that params.yaml names, with its settings and the seed."""

from sklearn.base import BaseEstimator

from lifecycle.core import user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, did_you_mean


def make_estimator(params: Params) -> BaseEstimator:
    """Return the unfitted estimator that params.yaml names, one of ESTIMATORS in the user's model.py.

    Raises ConfigError if model.py does not have it for the task, it gives no probabilities for a classification, or a
    setting has a name or value that it refuses.
    """
    estimators = user_code.get(params.package, "model", "ESTIMATORS")
    model_py = f"src/{params.package}/model.py"
    choices = estimators["regression" if params.task == "regression" else "classification"]
    name = params.train.estimator
    if name not in choices:
        raise ConfigError(
            f"params.yaml: train.estimator {name} is not in ESTIMATORS of {model_py} for {params.task}: "
            f"choose from {', '.join(choices)}, or add it there"
        )
    names = {key for kind in estimators.values() for key in kind}
    if unknown := [key for key in params.train.sections if key not in names]:
        raise ConfigError(
            f"params.yaml: train.{unknown[0]} is not in ESTIMATORS of {model_py}{did_you_mean(unknown[0], names)}; "
            "add it there, or remove the section"
        )
    try:
        estimator = choices[name]()
        estimator.set_params(**params.train.settings)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=params.seed)
        if hasattr(estimator, "_parameter_constraints"):  # scikit-learn's own: refuse now what `fit` would refuse
            estimator._validate_params()
    except Exception as error:
        if not concerns_settings(error, choices[name]):
            raise
        raise ConfigError(f"params.yaml: train.{name}: {error}") from error
    if params.task != "regression" and not hasattr(estimator, "predict_proba"):
        raise ConfigError(
            f"params.yaml: train.{name}: {type(estimator).__name__} has no predict_proba, and a {params.task} task needs "
            "probabilities; choose other settings, or wrap it in a CalibratedClassifierCV"
        )
    return estimator


def concerns_settings(error: Exception, estimator: type[BaseEstimator]) -> bool:
    """Return whether an estimator's error is about its settings: ValueError, TypeError, or one of its own library's."""
    library = estimator.__module__.partition(".")[0]
    return isinstance(error, ValueError | TypeError) or type(error).__module__.partition(".")[0] == library
