"""Which labelled rows the dataset is given: those that keep the contract, once per id.

A row that is in the dataset stays as it is, whatever was answered and labelled since: what was measured on it stays comparable.
Where a row came from is written beside the dataset, not into it: another column would break every contract, and a model could
learn from it.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pydantic import TypeAdapter, ValidationError

from lifecycle.core.arrow_types import NO_NULLS
from lifecycle.core.column_checks import COLUMN_CHECKS
from lifecycle.core.config import Params
from lifecycle.core.content_key import row_keys, without_position
from lifecycle.core.records import to_frame
from lifecycle.core.row_model import record_model, value_type
from lifecycle.prediction_log.labelled_rows import Labelled
from lifecycle.prediction_log.private_columns import is_hashed
from lifecycle.retraining.written_values import unwritable

TEXT_DTYPES = ("category", "str", "object")  # prefixes of the contract's dtypes whose values are texts


@dataclass
class NewRows:
    """The rows to add to the dataset, and how many are not added."""

    frame: pd.DataFrame
    """The new rows with the contract's types, the earliest first."""
    records: list[dict[str, Any]]
    """The same rows, with JSON's types."""
    rows: list[Labelled]
    """The same rows, as the log has them."""
    known: int = 0
    """Rows whose id is in the dataset already."""
    repeated: int = 0
    """Rows whose id was answered again later; the last row of an id counts."""
    rejected: Counter[str] = field(default_factory=Counter)
    """How many rows break the contract, by reason."""


def select(
    rows: list[Labelled], dataset: pd.DataFrame, schema: pa.DataFrameSchema, columns: dict[str, Any], params: Params
) -> NewRows:
    """Return the labelled rows that may be added to the dataset.

    Args:
        rows: of the log, the earliest first.
        dataset: the raw table with the contract's types.
        schema: the contract.
        columns: its columns, as contract.yaml has them.
        params: name the id and the target.
    """
    key = params.data.id
    rejected: Counter[str] = Counter()
    by_id: dict[str, tuple[Labelled, dict[str, Any]]] = {}
    present = set(without_position(dataset[key]) if params.data.id_from else dataset[key].astype("str"))
    known = repeated = 0
    check = RowCheck(schema, params)
    candidates = []
    for row in rows:
        values = {name: row.inputs.get(name) for name in columns} | {params.data.target: row.label}
        record = {name: _as_text(value, columns[name]) for name, value in values.items()}
        if not params.data.id_from and record[key] is not None and str(record[key]) in present:
            known += 1
        elif reason := check(record):
            rejected[reason] += 1
        else:
            candidates.append((row, record))
    if params.data.id_from and candidates:
        made = row_keys(to_frame([record for _, record in candidates], columns), params.data.id_from)
        for (_, record), identity in zip(candidates, made, strict=True):
            record[key] = identity
    for row, record in candidates:
        identity = str(record[key])
        if identity in present:  # of a made id: a row of equal content is there
            known += 1
            continue
        repeated += identity in by_id
        by_id.pop(identity, None)  # the order is that of the row that counts
        by_id[identity] = row, record
    chosen = list(by_id.values())
    frame = to_frame([record for _, record in chosen], columns)
    valid = _valid_together(dataset, frame, schema, rejected)
    return NewRows(
        frame[valid].reset_index(drop=True),
        [record for (_, record), is_valid in zip(chosen, valid, strict=True) if is_valid],
        [row for (row, _), is_valid in zip(chosen, valid, strict=True) if is_valid],
        known,
        repeated,
        rejected,
    )


class RowCheck:
    """The contract for one row, as the server checks it, and for its label."""

    def __init__(self, schema: pa.DataFrameSchema, params: Params) -> None:
        self.data = params.data
        self.record = record_model(schema, params)
        own_id = [] if params.data.id_from else [params.data.id]
        weight = params.data.weight  # without it, a row cannot be trained on
        beside = [name for name in params.data.not_given if name == weight or not _can_be_null(schema.columns[name])]
        self.required = own_id + beside
        self.label: TypeAdapter[Any] = TypeAdapter(value_type(schema.columns[params.data.target]))

    def __call__(self, record: dict[str, Any]) -> str:
        """Return why a record breaks the contract, or an empty text."""
        for name in self.required:
            if record.get(name) is None:
                return f"column {name}: the row has none"
        if hashed := [name for name, value in record.items() if is_hashed(value)]:
            return f"column {hashed[0]}: the log has it hashed"
        inputs = {name: value for name, value in record.items() if name != self.data.target}
        try:
            self.record.model_validate(inputs)
        except ValidationError as error:
            return _explain(error)
        try:
            self.label.validate_python(record[self.data.target], strict=True)
        except ValidationError as error:
            return _explain(error, self.data.target)
        reasons = ((name, unwritable(name, value, self.data)) for name, value in record.items())
        return next((f"column {name}: {reason}" for name, reason in reasons if reason), "")


def sources(new: NewRows, key: str) -> pd.DataFrame:
    """Return for each new row its id, when it was answered and labelled, and by which version of the model it was answered."""
    return pd.DataFrame(
        {
            key: [record[key] for record in new.records],
            "source": "prediction log",
            "answered": [row.answered.isoformat(timespec="seconds") for row in new.rows],
            "labelled": [row.labelled.isoformat(timespec="seconds") for row in new.rows],
            "request_id": [row.request_id for row in new.rows],
            "model_version": [row.version for row in new.rows],
        }
    )


def _valid_together(
    dataset: pd.DataFrame, frame: pd.DataFrame, schema: pa.DataFrameSchema, rejected: Counter[str]
) -> list[bool]:
    """Which new rows keep the contract beside the rows that are there; uniqueness, for one, is a matter of both."""
    dtypes = {name: str(schema.columns[name].dtype) for name in dataset}
    whole = pd.concat([dataset.astype(object), frame[list(dataset)].astype(object)], ignore_index=True).astype(dtypes)
    reasons: dict[int, str] = {}
    try:
        schema.validate(whole, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        for column, check, index in zip(cases["column"], cases["check"], cases["index"], strict=True):
            if not pd.isna(index) and str(check).partition("(")[0] not in COLUMN_CHECKS:
                reasons.setdefault(int(index) - len(dataset), f"column {column}: {check}")
    rejected.update(reason for place, reason in reasons.items() if place >= 0)
    return [place not in reasons for place in range(len(frame))]


def _can_be_null(column: pa.Column) -> bool:
    return bool(column.nullable) and str(column.dtype) not in NO_NULLS


def _as_text(value: Any, column: dict[str, Any]) -> Any:
    """A label, or an id, as text if it came as a number and the contract has a text."""
    is_text = str(column.get("dtype", "")).startswith(TEXT_DTYPES)
    return str(value) if is_text and isinstance(value, int | float) else value


def _explain(error: ValidationError, column: str = "") -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"column {column or (first['loc'][0] if first['loc'] else '(all)')}: {first['msg']}"
