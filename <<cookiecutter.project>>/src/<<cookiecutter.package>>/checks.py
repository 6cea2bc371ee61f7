"""Your own checks of columns and of values, which contract.yaml uses by their names.

A check of a whole column returns True or False; a check of single values returns a boolean column. The arguments after `*`
are set in contract.yaml. For example

    @value_check
    def multiple_of(column: pd.Series, *, step: float) -> pd.Series:
        return column % step == 0

makes `multiple_of: {step: 5}` a check in contract.yaml, and `@column_check` does the same for a whole column. It then applies
wherever a table is validated, and a check of single values wherever a row is.
"""

from lifecycle.core.column_checks import column_check, value_check

__all__ = ["column_check", "value_check"]
