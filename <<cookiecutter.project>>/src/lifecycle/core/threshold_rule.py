"""The rules by which a decision threshold can be chosen, as `train.threshold` in params.yaml names them.

They stand apart from the choosing itself, which needs numpy: every command reads params.yaml.
"""

from typing import Any, Self

from pydantic import model_validator

from lifecycle.core.section import Section, Share


class Costs(Section):
    """What each outcome of a row costs, in any one unit; a gain is negative."""

    false_positive: float
    false_negative: float
    true_positive: float = 0.0
    true_negative: float = 0.0


class Rule(Section):
    """One of: the best F1, the lowest threshold with at least a precision, the highest with at least a recall, the lowest cost."""

    best_f1: bool = False
    precision: Share | None = None
    recall: Share | None = None
    cost: Costs | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, content: Any) -> Any:
        return {content: True} if isinstance(content, str) else content

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("name one rule: best_f1, or precision, recall or cost with its value")
        return self

    def __str__(self) -> str:
        if self.best_f1:
            return "best F1"
        if self.cost:
            return f"lowest cost ({', '.join(f'{name} {value:g}' for name, value in self.cost.model_dump().items() if value)})"
        return f"precision of at least {self.precision}" if self.precision else f"recall of at least {self.recall}"
