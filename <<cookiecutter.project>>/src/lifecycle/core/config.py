"""params.yaml, typed and checked in one place."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lifecycle.core.files import read_yaml
from lifecycle.core.home import ROOT
from lifecycle.core.section import Section, Share
from lifecycle.core.time_settings import TimeSplit, WalkForward
from lifecycle.core.train_settings import Train

PARAMS = Path("params.yaml")
CONTRACT = Path("contract.yaml")
DATASET = Path("data/interim/dataset.parquet")
VALIDATION_REPORT = Path("reports/validation.json")
FEATURES = Path("data/features")
MODEL = Path("models/model.skops")
TRUSTED_TYPES = Path("models/trusted_types.txt")  # what a model file may hold beside what skops trusts, a line each
METRICS = Path("metrics")
PLOTS = Path("plots")
PREDICTIONS = Path("data/predictions/test.parquet")
REFERENCE = Path("data/reference/reference.parquet")
MODEL_CARD = Path("reports/model_card.md")
INTERVALS = Path("reports/intervals.json")
SEARCH_REPORT = Path("reports/search.json")
LOCK = Path("dvc.lock")
GATES = Path("gates.yaml")
SLICES = METRICS / "slices.json"
WEAK_SLICES = METRICS / "weak_slices.json"
WALK_FORWARD = METRICS / "walk_forward.json"
BASELINES = {name: METRICS / f"{name}.json" for name in ("trivial", "linear")}


class Csv(Section):
    """How a CSV file is written."""

    separator: Annotated[str, Field(pattern=r"^[^\s\w\"]$|^\t$")] = ","
    encoding: Literal["utf-8", "utf-16", "latin-1", "cp1252"] = "utf-8"
    decimal: Literal[".", ","] = "."
    nulls: Annotated[list[str], Field(min_length=1)] | None = None
    """Spellings of a missing value; Arrow's, if None."""


class NumberFormat(Section):
    """How numbers are written that are not plain, such as $1,200 or 12%."""

    strip: str = ""
    """Characters to remove wherever they stand, such as `$` or `%`."""
    thousands: Annotated[str, Field(max_length=1)] = ""
    decimal: Literal[".", ","] = "."


class Data(Section):
    raw: Annotated[Path, Field(strict=False)]
    csv: Csv = Csv()
    formats: dict[str, str | NumberFormat] = Field(default_factory=dict)
    """By column: how its dates are written, as strptime has it, or its numbers."""
    id: str
    id_from: list[str] = Field(default_factory=list)
    """If no column of the file identifies a row: those from whose values the column `id` is made."""
    target: str
    positive: str | int | bool | None = None
    unlabelled: bool = False
    """Whether rows without a target are left out. If not, they break the contract."""
    exclude: list[str] = Field(default_factory=list)
    """Columns that the model is not given."""
    weight: str | None = None
    """The column that says how much a row counts in training. It is no input, and new rows need not have it."""

    @property
    def not_given(self) -> list[str]:
        """The columns, beside id and target, that the model is not given."""
        return [*self.exclude, *([self.weight] if self.weight else [])]

    def inputs(self, columns: Iterable[Any]) -> list[str]:
        """Return the columns that the model is given: all but id, target, weight and those that are excluded."""
        return [str(name) for name in columns if name not in (self.id, self.target, *self.not_given)]


class Split(Section):
    validation: Share
    test: Share
    salt: Annotated[int, Field(ge=0, lt=10**6)] = 0
    """Another number is another split by hash."""
    group: str | None = None
    """Rows with one value of this column stay on one side."""
    time: TimeSplit | None = None

    @model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation and test take {self.validation + self.test:g} of the rows: leave some to train on"
            )
        return self


def _not_a_rule(value: Any) -> Any:
    if isinstance(value, str | dict):
        raise ValueError("must be a number; a rule that chooses it goes into train.threshold, in place of this line")
    return value


class Evaluate(Section):
    threshold: Annotated[Share, BeforeValidator(_not_a_rule)] = 0.5
    bootstrap: Annotated[int, Field(ge=100, le=100_000)]
    reference: Annotated[int, Field(ge=100, le=100_000)] = 5000
    slices: list[str] = Field(default_factory=list)
    walk_forward: WalkForward | None = None
    """Train and test on one period after another; needs split.time."""


class Track(Section):
    experiment: Annotated[str, Field(pattern=r"\w[^/]*/*$")]
    tracking_uri: Annotated[str, Field(min_length=1)]

    @property
    def model(self) -> str:
        """Name of the registered model: the last part of the experiment's name, in characters that MLflow allows."""
        return re.sub(r"[^\w. -]", "_", self.experiment.rstrip("/").rpartition("/")[2])


class Params(Section):
    package: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]
    task: Literal["binary", "multiclass", "regression"]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    data: Data
    split: Split
    train: Train
    evaluate: Evaluate
    track: Track

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.task == "binary" and self.data.positive is None:
            raise ValueError("data.positive is missing: name the value of the target that counts as positive")
        if self.train.threshold and self.task != "binary":
            raise ValueError(f"train.threshold is a rule for a binary task, and the task is {self.task}")
        if self.train.calibration and self.task == "regression":
            raise ValueError("train.calibration corrects probabilities, and a regression has none")
        if self.train.threshold and "threshold" in self.evaluate.model_fields_set:
            raise ValueError("train.threshold chooses the threshold: remove evaluate.threshold")
        if self.task == "regression" and self.train.class_weight is not None:
            raise ValueError("train.class_weight is for classes, and the task is regression")
        if self.data.id == self.data.target:
            raise ValueError(f"data.id and data.target are both {self.data.id}: a key cannot be predicted")
        if self.evaluate.walk_forward and not self.split.time:
            raise ValueError("evaluate.walk_forward needs split.time, which says which rows come before which")
        if self.data.target in self.data.id_from:
            raise ValueError(f"data.id_from names the target, {self.data.target}: new rows do not have it")
        return self

    def labelling_at(self, threshold: float) -> Self:
        """Return the parameters with another threshold at and above which a row is labelled positive."""
        return self.model_copy(update={"evaluate": self.evaluate.model_copy(update={"threshold": threshold})})


def load(path: Path = PARAMS) -> Params:
    """Return the checked parameters.

    Raises ConfigError naming every parameter that is missing, unknown or invalid.
    """
    return Params.checked(read_yaml(path), str(path))


def main_checkout() -> Path:
    """Return the checkout that the user works in, also from within a copy that `dvc exp run --queue` or `--temp` makes."""
    return Path(os.environ.get("DVC_ROOT", ROOT))
