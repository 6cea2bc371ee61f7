"""Your own column checks, by the names under which contract.yaml asks for them.

A check of a whole column returns True or False; a check of single values returns a boolean column. Arguments after `*` are
those given in contract.yaml. For example

    @value_check
    def multiple_of(column: pd.Series, *, step: float) -> pd.Series:
        return column % step == 0

makes `multiple_of: {step: 5}` a check in contract.yaml, and `@column_check` does the same for a whole column. The pipeline,
servers and scoring on any engine then all apply it.
"""

from lifecycle.core.column_checks import column_check, value_check

__all__ = ["column_check", "value_check"]
