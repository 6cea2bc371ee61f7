"""The settings about time in params.yaml: split.time and evaluate.walk_forward."""

import datetime
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from lifecycle.core.section import Section

Date = Annotated[str, BeforeValidator(lambda value: value.isoformat() if isinstance(value, datetime.date) else value)]


class TimeSplit(Section):
    column: str
    validation_from: Date
    test_from: Date
    gap_days: Annotated[int, Field(ge=0)] = 0
    """Rows so long before each of the two dates are on no side: their target was not known yet at that date."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.validation_from < self.test_from:
            raise ValueError("validation_from must come before test_from")
        return self


class WalkForward(Section):
    folds: Annotated[int, Field(ge=2, le=20)] = 5
