"""A CSV file, read with the types that its values have."""

import re
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.compute as pc
import pyarrow.csv

from lifecycle.core.config import Csv
from lifecycle.core.csv_format import open_bytes, parse_options, read_options
from lifecycle.core.errors import DataError

FEW_VALUES = 1000  # distinct texts of a column that is kept as a dictionary


def infer(path: Path, form: Csv, texts: list[str] | None = None) -> arrow.Table:
    """Read a CSV file with the types that all of its values allow; only `texts`, as text, if they are given.

    Arrow would keep the whole text until the types are known. So they are those of the first block, and a column that does not keep
    to its type further down is the only one whose type Arrow has to find.
    """
    of_block = _types_of_first_block(path, form)
    names = list(of_block)
    types = (
        dict.fromkeys(texts, arrow.string())
        if texts
        else {name: kind for name, kind in of_block.items() if not arrow.types.is_null(kind)}
    )
    while True:
        convert = _convert_options(form, types)
        convert.include_columns = texts or []
        try:
            with open_bytes(path) as stream:
                return pyarrow.csv.read_csv(
                    stream, read_options=read_options(form), parse_options=parse_options(form), convert_options=convert
                )
        except arrow.ArrowInvalid as error:
            place = re.search(r"In CSV column #(\d+): .*conversion error", str(error))
            if (
                not place or names[int(place[1])] not in types or "UTF8" in str(error)
            ):  # which Arrow would take for bytes
                raise
            del types[names[int(place[1])]]


def _types_of_first_block(path: Path, form: Csv) -> dict[str, arrow.DataType]:
    with open_bytes(path) as stream:
        reader = pyarrow.csv.open_csv(
            stream,
            read_options=read_options(form),
            parse_options=parse_options(form),
            convert_options=_convert_options(form, {}),
        )
        check_names(path, reader.schema.names)
        batch = next(iter(reader), None)
    if batch is None:
        return dict.fromkeys(reader.schema.names, arrow.null())
    if any(arrow.types.is_binary(column.type) for column in batch.columns):
        raise arrow.ArrowInvalid("a text is not valid UTF8")
    types = {}
    for name, column in zip(reader.schema.names, batch.columns, strict=True):
        few = arrow.types.is_string(column.type) and 2 * pc.count_distinct(column).as_py() < min(
            2 * FEW_VALUES, len(column)
        )
        types[name] = arrow.dictionary(arrow.int32(), arrow.string()) if few else column.type
    return types


def _convert_options(form: Csv, types: dict[str, arrow.DataType]) -> Any:
    return pyarrow.csv.ConvertOptions(
        null_values=form.nulls, strings_can_be_null=True, decimal_point=form.decimal, column_types=types,
        auto_dict_encode=True, auto_dict_max_cardinality=FEW_VALUES,
    )  # fmt: skip


def check_names(path: Path, names: list[str]) -> None:
    """Raise DataError if a column has no name, several have the same, or the first line holds no names."""
    if unnamed := [place for place, name in enumerate(names, start=1) if not name.strip()]:
        raise DataError(f"{path}: column {unnamed[0]} has no name: give it one in the first line, or remove the column")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"{path}: column {repeated[0]} is there {names.count(repeated[0])} times: give each a name of its own"
        )
    if all(name.replace(".", "", 1).replace("-", "", 1).isdigit() for name in names):
        raise DataError(f"{path}: the first line holds numbers, not the names of the columns: add a line with names")
