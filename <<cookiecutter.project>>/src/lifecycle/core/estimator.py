"""The estimator that params.yaml names, made with its settings and the seed."""

from sklearn.base import BaseEstimator

from lifecycle.core import user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError


def make_estimator(params: Params) -> BaseEstimator:
    """Return the unfitted estimator that params.yaml names, of those in the user's model.py.

    Raises ConfigError if model.py does not have it for the task, or the name or value of a setting is refused.
    """
    estimators = user_code.load(params.package, "model").ESTIMATORS
    known = estimators["regression" if params.task == "regression" else "classification"]
    name = params.train.estimator
    if name not in known:
        raise ConfigError(
            f"params.yaml: train.estimator {name} is not one for {params.task}: choose from {', '.join(known)}, "
            f"or add it to ESTIMATORS in src/{params.package}/model.py"
        )
    sections = {key for kind in estimators.values() for key in kind}
    if unknown := [key for key in params.train.sections if key not in sections]:
        raise ConfigError(f"params.yaml: train.{unknown[0]} is not an estimator in src/{params.package}/model.py")
    estimator = known[name]()
    try:
        estimator.set_params(**params.train.settings)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=params.seed)
        if hasattr(
            estimator, "_parameter_constraints"
        ):  # scikit-learn's own: what fit() would refuse, before any time is spent
            estimator._validate_params()
    except (ValueError, TypeError) as error:
        raise ConfigError(f"params.yaml: train.{name}: {error}") from None
    return estimator
