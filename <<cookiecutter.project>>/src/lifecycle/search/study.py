"""The study: what was tried until now, in files that several processes share and that survive a search that was cut off."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import file_hash, read_yaml
from lifecycle.core.home import SRC, TEMPORARY
from lifecycle.core.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER
from lifecycle.core.own_metrics import OwnMetrics, declared_here, sign_of
from lifecycle.core.package_versions import ENVIRONMENT
from lifecycle.search.settings import DIGITS, SEARCH, Search, Space, changed

if TYPE_CHECKING:
    import optuna

FOLDER = TEMPORARY / "search"  # a study's own folder there has the hash of everything that makes it another one
NAME = "search"
SIDES = ("train", "validation")


@dataclass(frozen=True)
class Study:
    """Where a study is, and what is tried in it."""

    folder: Path
    search: Search
    content: dict[str, Any]
    """Of params.yaml."""
    own: OwnMetrics
    """The user's metrics, if the search is by one of them."""

    @property
    def sign(self) -> int:
        """1 if higher values of the metric are better, else -1."""
        return sign_of(self.search.metric, self.own)

    def predictions(self, number: int) -> Path:
        """Return the file of what a trial predicts for the validation rows."""
        return self.folder / f"{number}.parquet"

    def trials(self) -> "optuna.Study":
        """Open the trials, of which there are none at first. Raises ConfigError if Optuna is not installed."""
        try:
            import optuna
        except ModuleNotFoundError:
            raise ConfigError("Optuna is not installed: make setup EXTRAS=dev,search") from None
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.folder.mkdir(parents=True, exist_ok=True)
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(self.folder / "trials.log"))),
            study_name=NAME,
            direction="maximize" if self.sign > 0 else "minimize",
            load_if_exists=True,
        )


def of_repo(search: Search, package: str) -> Study:
    """Return the study of search.yaml on the present data, code and environment; another one if any of them changes."""
    built_in, own = HIGHER_IS_BETTER | LOWER_IS_BETTER, declared_here(package)
    if search.metric not in {*built_in, *own}:
        raise ConfigError(f"{SEARCH}: metric {search.metric} is not one of {', '.join([*sorted(built_in), *own])}")
    content = read_yaml(config.PARAMS)
    fixed = changed(
        content, dict.fromkeys(search.parameters)
    )  # whatever is searched now is not what tells studies apart
    code = sorted((SRC / package).glob("*.py"))
    files = [*(config.FEATURES / f"{side}.parquet" for side in SIDES), config.CONTRACT, ENVIRONMENT, *code]
    key = json.dumps([search.model_dump(), fixed, [file_hash(path) for path in files]], sort_keys=True, default=str)
    folder = FOLDER / hashlib.sha256(key.encode()).hexdigest()[:16]
    return Study(folder, search, content, own if search.metric in own else {})


def suggested(trial: "optuna.trial.BaseTrial", search: Search) -> dict[str, Any]:
    """Return the values to try, by dotted name."""
    return {name: _suggested(trial, name, space) for name, space in search.parameters.items()}


def rounded(value: float) -> float:
    """Return a number with few digits, as params.yaml will have it."""
    return float(np.format_float_positional(value, precision=DIGITS, fractional=False)) if value else 0.0


def _suggested(trial: "optuna.trial.BaseTrial", name: str, space: Space) -> Any:
    if space.values is not None:
        return trial.suggest_categorical(name, space.values)
    assert space.low is not None
    assert space.high is not None
    if isinstance(space.low, int) and isinstance(space.high, int) and not space.log:
        return trial.suggest_int(name, space.low, space.high)
    return rounded(trial.suggest_float(name, space.low, space.high, log=space.log))
