"""Whether search.yaml is about the estimator that params.yaml names now."""

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.estimator import make_estimator, unset_estimator
from lifecycle.core.parameter_names import aliases
from lifecycle.search.settings import SEARCH, Search, params_with
from lifecycle.search.study import Study


def check_names(search: Search, params: Params) -> None:
    """Raise ConfigError if search.yaml has a parameter by another name than the estimator's own, as after a change of the estimator."""
    estimator, place = unset_estimator(params), params.train.place
    own_of = aliases(estimator) if hasattr(estimator, "get_params") else {}
    for name in search.parameters:
        key = name.removeprefix(f"{place}.")
        if own := own_of.get(key):
            raise ConfigError(
                f"{SEARCH}: parameters: {name}: {type(estimator).__name__} has {key} as {own}: write {place}.{own}, or leave it out "
                "if the ranges are another estimator's"
            )


def check_values(study: Study) -> None:
    """Raise ConfigError if a name or the first value of a space is refused by params.yaml or the estimator."""
    first = {
        name: space.low if space.values is None else space.values[0] for name, space in study.search.parameters.items()
    }
    try:
        make_estimator(params_with(study.content, first))
    except ConfigError as error:
        raise ConfigError(f"{SEARCH}: {error}") from None
