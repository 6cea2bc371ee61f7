"""`train` in params.yaml: the estimator, its parameters, and what is decided in training beside them."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from lifecycle.core.section import Section
from lifecycle.core.threshold_rule import Rule


class Train(Section):
    """The estimator and its parameters; by the name of each estimator in ESTIMATORS of model.py, also in a section of its own."""

    model_config = ConfigDict(extra="allow")

    estimator: Annotated[str, Field(min_length=1)]
    """The import path of a class, such as `sklearn.linear_model.Ridge`, or the name of a function in model.py."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    threshold: Rule | None = None
    """By which the threshold of a binary classifier is chosen on validation rows; evaluate.threshold, if None."""
    calibration: Literal["sigmoid", "isotonic", "temperature"] | None = None
    """How the probabilities of a classifier are corrected; not at all, if None."""
    class_weight: Literal["balanced"] | dict[str | int | bool, Annotated[float, Field(ge=0)]] | None = None
    """How much the rows of each class count in training; balanced: as much as those of any other class together."""
    __pydantic_extra__: dict[str, dict[str, Any]]

    @property
    def sections(self) -> dict[str, dict[str, Any]]:
        """The parameters of estimators that have a section of their own, by name."""
        return self.__pydantic_extra__

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters of the chosen estimator."""
        return self.sections.get(self.estimator, self.parameters)

    @property
    def place(self) -> str:
        """Where they stand in params.yaml."""
        return f"train.{self.estimator if self.estimator in self.sections else 'parameters'}"
