"""Newly labelled rows into the dataset: held against the contract one by one, once per id, and with where they came from.

A row that is in the dataset stays as it is, whatever has been answered and said of its id since: what was measured on it
stays comparable. Where a row came from is kept beside the dataset, not in it: a column more would have to be let in by
every contract, and would be one more thing for a model to learn from.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pydantic import TypeAdapter, ValidationError

from lifecycle.core.column_checks import COLUMN_CHECKS
from lifecycle.core.config import Params
from lifecycle.core.records import to_frame
from lifecycle.core.row_model import record_model, value_type
from lifecycle.prediction_log.labels import Labelled
from lifecycle.retraining.raw_file import unwritable

TEXTS = ("category", "str", "object")  # as a dtype in the contract begins whose values are texts


@dataclass
class New:
    """What is to be added to the dataset, and what is not."""

    frame: pd.DataFrame
    """The new rows with the contract's types, the earliest first."""
    records: list[dict[str, Any]]
    """The same rows, of JSON's types."""
    rows: list[Labelled]
    """The same rows, as the log has them."""
    known: int = 0
    """Rows whose id the dataset has already."""
    repeated: int = 0
    """Rows whose id was asked for again later: the last one counts."""
    aside: Counter[str] = field(default_factory=Counter)
    """Why rows were set aside, and how many."""


def select(
    rows: list[Labelled], dataset: pd.DataFrame, schema: pa.DataFrameSchema, columns: dict[str, Any], params: Params
) -> New:
    """Return the labelled rows that the dataset may be given.

    Args:
        rows: of the log, the earliest first.
        dataset: the raw table with the contract's types.
        schema: the contract.
        columns: its columns, as contract.yaml has them.
        params: name the id and the target.
    """
    key, raw = params.data.id, params.data.raw
    aside: Counter[str] = Counter()
    sound: dict[str, tuple[Labelled, dict[str, Any]]] = {}
    present = set(dataset[key].astype("str"))
    known = repeated = 0
    reason = Check(schema, params)
    for row in rows:
        record = {name: row.inputs.get(name) for name in columns} | {params.data.target: row.label}
        record = {name: _text(value, columns[name]) for name, value in record.items()}
        identity = str(record[key])
        if record[key] is not None and identity in present:
            known += 1
        elif why := reason(record, raw):
            aside[why] += 1
        else:
            repeated += identity in sound
            sound.pop(identity, None)  # the order is that of the row that counts
            sound[identity] = row, record
    chosen = list(sound.values())
    frame = to_frame([record for _, record in chosen], columns)
    good = _together(dataset, frame, schema, aside)
    return New(
        frame[good].reset_index(drop=True),
        [record for (_, record), keep in zip(chosen, good, strict=True) if keep],
        [row for (row, _), keep in zip(chosen, good, strict=True) if keep],
        known,
        repeated,
        aside,
    )


class Check:
    """The contract for one row, as the server has it, the target included."""

    def __init__(self, schema: pa.DataFrameSchema, params: Params) -> None:
        self.data = params.data
        self.record = record_model(schema, params)
        self.label: TypeAdapter[Any] = TypeAdapter(value_type(schema.columns[params.data.target]))

    def __call__(self, record: dict[str, Any], raw: Path) -> str:
        """Return why a record may not come in, or nothing."""
        if record[self.data.id] is None:
            return f"column {self.data.id}: the row has none"
        inputs = {name: value for name, value in record.items() if name != self.data.target}
        try:
            self.record.model_validate(inputs)
        except ValidationError as error:
            return _explain(error)
        try:
            self.label.validate_python(record[self.data.target], strict=True)
        except ValidationError as error:
            return _explain(error, self.data.target)
        found = ((name, unwritable(value, raw)) for name, value in record.items())
        return next((f"column {name}: {why}" for name, why in found if why), "")


def sources(new: New, key: str) -> pd.DataFrame:
    """Return where each new row came from: its id, when it was answered and labelled, and by which version of the model."""
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


def _together(
    dataset: pd.DataFrame, frame: pd.DataFrame, schema: pa.DataFrameSchema, aside: Counter[str]
) -> list[bool]:
    """Which of the new rows keep the contract beside those that are there: what is to be unique, for one."""
    dtypes = {name: str(schema.columns[name].dtype) for name in dataset}
    whole = pd.concat([dataset.astype(object), frame[list(dataset)].astype(object)], ignore_index=True).astype(dtypes)
    bad: dict[int, str] = {}
    try:
        schema.validate(whole, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        for column, check, index in zip(cases["column"], cases["check"], cases["index"], strict=True):
            if not pd.isna(index) and str(check).partition("(")[0] not in COLUMN_CHECKS:
                bad.setdefault(int(index) - len(dataset), f"column {column}: {check}")
    aside.update(why for place, why in bad.items() if place >= 0)
    return [place not in bad for place in range(len(frame))]


def _text(value: Any, column: dict[str, Any]) -> Any:
    """A label, or an id, that came as a number where the contract has a text."""
    is_text = str(column.get("dtype", "")).startswith(TEXTS)
    return str(value) if is_text and isinstance(value, int | float) else value


def _explain(error: ValidationError, column: str = "") -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"column {column or first['loc'][0] if column or first['loc'] else '(all)'}: {first['msg']}"
