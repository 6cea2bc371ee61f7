"""The contract applied row by row: a table's rows with the contract's types, and the first reason against each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.compute as pc

from lifecycle.batch.coerce import coerce
from lifecycle.core import contract
from lifecycle.core.arrow_types import NO_NULLS, arrow_type, is_text
from lifecycle.core.column_checks import COLUMN_CHECKS
from lifecycle.core.config import Data, NumberFormat
from lifecycle.core.csv_format import null_spellings
from lifecycle.core.errors import DataError
from lifecycle.core.value_formats import dates, numbers

RAGGED = "__ragged__"  # a column: the line of a CSV file that has too few or too many values
REPLACEMENT = "\ufffd"  # stands for bytes that are not UTF-8
WHOLE_COLUMN = "unique_values_eq"  # the check of pandera's that speaks of a whole column


@dataclass(frozen=True)
class RowContract:
    """The contract's columns that rows are validated against.

    Attributes:
        columns: the contract's columns, by name.
        dtypes: the dtype of each; that of a category with its values, if the contract lists them.
        data: how dates, numbers and nulls are written as texts.
        is_text: whether rows come from a text file, in which null has a spelling.
    """

    columns: dict[str, pa.Column]
    dtypes: dict[str, Any]
    data: Data
    is_text: bool

    def validate(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the rows with the contract's types, and for each the first reason why it breaks the contract, or None.

        Raises DataError if a check cannot be run, or a line of a CSV file has swallowed those after it.
        """
        values: dict[str, Any] = {}
        reasons = _reasons_of_ragged_lines(frame)
        for name, column in self.columns.items():
            raw = self.without_null_spellings(frame[name])
            if self.is_text:
                note(reasons, _not_utf8(raw), f"{name}: not UTF-8", raw)
            values[name], invalid = self.typed(name, raw)
            listed = isinstance(self.dtypes[name], pd.CategoricalDtype) and self.dtypes[name].categories is not None
            problem = "not a category of the contract" if listed else f"not {column.dtype}"
            note(reasons, invalid, f"{name}: {problem}", raw)
            missing = raw.isna().to_numpy()
            if not column.nullable or str(column.dtype) in NO_NULLS:
                note(reasons, missing, f"{name}: missing")
            for check in column.checks:
                if check.name in (*COLUMN_CHECKS, WHOLE_COLUMN) or (listed and check.name == "isin"):
                    continue
                failing = _failing(check, name, values[name]) & ~missing & ~invalid
                note(reasons, failing, f"{name}: {check.error} fails", raw)
        return pd.DataFrame(values, copy=False), reasons

    def typed(self, name: str, values: pd.Series) -> tuple[pd.Series, np.ndarray]:
        """Return a column as `coerce` does; texts in the format that data.formats or the file's decimal point gives them."""
        form, kind = self.data.formats.get(name), arrow_type(self.columns[name])
        if form is None and self.is_text and self.data.csv.decimal != "." and arrow.types.is_floating(kind):
            form = NumberFormat(decimal=self.data.csv.decimal)
        if form is None or (texts := _texts(values)) is None:
            return coerce(values, self.dtypes[name])
        parsed, wrong = dates(texts, form, kind) if isinstance(form, str) else numbers(texts, form, kind)
        plain = parsed.to_pandas(integer_object_nulls=True).set_axis(values.index)
        typed, invalid = coerce(plain, self.dtypes[name])
        return typed, invalid | wrong

    def without_null_spellings(self, values: pd.Series) -> pd.Series:
        """Return a column of a text file in which the spellings of null are null, and any other column as it is."""
        if not self.is_text or not (values.dtype == object or isinstance(values.dtype, pd.StringDtype)):
            return values
        texts = _texts(values)
        if texts is None:
            return values
        spellings = arrow.array(null_spellings(self.data.csv), arrow.string())
        null = pc.is_in(texts, value_set=spellings).to_numpy()
        return values.mask(null, None) if null.any() else values


def note(reasons: np.ndarray, rows: np.ndarray, text: str, values: pd.Series | None = None) -> None:
    """Give rows a reason, unless they already have one.

    Args:
        reasons: one per row, None where there is none yet; changed in place.
        rows: a mask, shape (rows,).
        text: the reason.
        values: the column whose value is to be added to it.
    """
    for position in np.flatnonzero(rows):
        if reasons[position] is None:
            value = f" ({contract.shorten(values.iloc[position])})" if values is not None else ""
            reasons[position] = f"{text}{value}"


def _reasons_of_ragged_lines(frame: pd.DataFrame) -> np.ndarray:
    reasons = np.full(len(frame), None, dtype=object)
    if RAGGED in frame and (ragged := frame[RAGGED].notna().to_numpy()).any():
        lines = frame.loc[ragged, RAGGED].str
        if (several := lines.contains("\n").to_numpy()).any():  # nobody knows how many rows it has swallowed
            first = lines.split("\n").str[0].iloc[int(several.argmax())]
            raise DataError(f"a quote seems to be opened and not closed in the line {contract.shorten(first)}")
        reasons[ragged] = "too few or too many values in the line"
    return reasons


def _failing(check: pa.Check, name: str, values: pd.Series) -> np.ndarray:
    """Return which values fail a check, shape (rows,): all of them if it gives one verdict for the column, and that is no."""
    try:
        passed = check(values).check_output
    except Exception as error:  # whatever a check of the user's raises
        raise DataError(f"column {name}: {check.error} cannot be run: {type(error).__name__}: {error}") from error
    if isinstance(passed, pd.Series):  # pandera leaves nulls out
        return ~passed.reindex(values.index, fill_value=True).to_numpy(dtype=bool)
    return np.full(len(values), not passed)


def _not_utf8(values: pd.Series) -> np.ndarray:
    """Return which texts hold the replacement for bytes that are not UTF-8, shape (rows,)."""
    texts = _texts(values)
    if texts is None:
        return np.zeros(len(values), dtype=bool)
    return np.asarray(pc.match_substring(texts, REPLACEMENT).fill_null(False))


def _texts(values: pd.Series) -> arrow.ChunkedArray | None:
    """Return a column as texts, or None if it holds anything else."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    try:
        array = arrow.array(values, from_pandas=True)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError):  # values of several types
        return None
    if not is_text(array.type):
        return None
    return (array if isinstance(array, arrow.ChunkedArray) else arrow.chunked_array([array])).cast(arrow.string())
