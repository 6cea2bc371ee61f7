"""Files as people have them: dialects, encodings, compressions, types and values. Each is read exactly, or refused in one line."""

import datetime
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.parquet
import pytest

from lifecycle.core.config import Data
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.raw_table import read_raw
from machinery.compression import write_compressed

TEXT = 'key,größe,x\r\n000123,"a\r\nb",1.5\r\n7,ä,\r\n'


def data(**settings: Any) -> Data:
    return Data.checked({"raw": "data/raw.csv", "id": "key", "target": "x", **settings}, "params.yaml")


def contract_of(**dtypes: str) -> pa.DataFrameSchema:
    return pa.DataFrameSchema({name: pa.Column(dtype, nullable=True) for name, dtype in dtypes.items()}, strict=True)


def plain(values: pd.Series) -> list[Any]:
    return values.astype(object).where(values.notna(), None).tolist()


@pytest.mark.parametrize("name", ["raw.csv", "raw.csv.gz", "raw.csv.bz2", "raw.csv.zst", "raw.zip", "raw.csv.zip"])
@pytest.mark.parametrize(
    ("csv", "content"),
    [
        ({}, TEXT.encode()),
        ({}, TEXT.encode("utf-8-sig")),
        ({"encoding": "utf-16"}, TEXT.encode("utf-16")),
        ({"encoding": "utf-16"}, b"\xfe\xff" + TEXT.encode("utf-16-be")),
        ({"encoding": "latin-1"}, TEXT.encode("latin-1")),
        ({"encoding": "cp1252"}, TEXT.encode("cp1252")),
        ({"separator": ";", "decimal": ","}, TEXT.replace(",", ";").replace(".", ",").encode()),
        ({"separator": "\t"}, TEXT.replace(",", "\t").encode()),
        ({"separator": "|", "nulls": ["?"]}, TEXT.replace(",", "|").replace("|\r\n", "|?\r\n").encode()),
    ],
)
def test_a_csv_file_is_read_as_its_dialect_says(tmp_path: Path, name: str, csv: dict[str, Any], content: bytes) -> None:
    write_compressed(tmp_path / name, content)

    frame = read_raw(tmp_path / name, contract_of(key="str", größe="category", x="float64"), data(csv=csv))

    assert frame["key"].tolist() == ["000123", "7"]
    assert frame["größe"].tolist() == ["a\r\nb", "ä"]
    assert plain(frame["x"]) == [1.5, None]


UTC_MOMENT = pd.Timestamp("2026-01-31T09:00:00Z")
EXCESS = 2**53 + 1  # the first integer that float64 does not have


@pytest.mark.parametrize(
    ("dtype", "texts", "values"),
    [
        ("bool", ["true", "False", "1"], [True, False, True]),
        ("boolean", ["true", "", "0"], [True, None, False]),
        ("Int64", [str(EXCESS), "", "-3"], [EXCESS, None, -3]),
        ("float64", ["1e3", "NaN", "-.5"], [1000.0, None, -0.5]),
        ("str", ["None", "1E5", "NA"], ["None", "1E5", None]),
        ("category", ["No", "off", "None"], ["No", "off", "None"]),
        ("datetime64[ns]", ["2026-01-31", "", "2026-01-31T10:00"], [pd.Timestamp("2026-01-31"), None, pd.Timestamp("2026-01-31T10:00")]),
        ("datetime64[ns, UTC]", ["2026-01-31T09:00:00Z", "", "2026-01-31 10:00:00+01:00"], [UTC_MOMENT, None, UTC_MOMENT]),
        ("datetime64[ns, Europe/Berlin]", ["2026-01-31T09:00:00Z"], [UTC_MOMENT.tz_convert("Europe/Berlin")]),
    ],
)  # fmt: skip
def test_a_csv_file_has_the_types_of_the_contract(
    tmp_path: Path, dtype: str, texts: list[str], values: list[Any]
) -> None:
    (tmp_path / "raw.csv").write_text("a b,key\n" + "".join(f"{text},0\n" for text in texts))

    column = read_raw(tmp_path / "raw.csv", contract_of(**{"a b": dtype, "key": "str"}), data())["a b"]

    assert str(column.dtype).replace("string", "str") == dtype
    assert plain(column) == values


MONEY = {"strip": "$€%", "thousands": ","}
GERMAN = {"thousands": ".", "decimal": ","}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("form", "dtype", "texts", "values"),
    [
        (MONEY, "float64", ["$1,200", "-$3,100.58", "- $ 5", None], [1200.0, -3100.58, -5.0, None]),
        (MONEY, "int64", ["$1,200", "+7"], [1200, 7]),
        (MONEY, "Int64", ["12%", None], [12, None]),
        (GERMAN, "float64", ["3.100,58", "1000", ",5"], [3100.58, 1000.0, 0.5]),
        ({"thousands": " ", "decimal": ","}, "float64", ["1 234,5", " 7 "], [1234.5, 7.0]),
        ({"thousands": "\u00a0", "decimal": ","}, "float64", ["1\u00a0234,5"], [1234.5]),
        ({"thousands": "'"}, "float64", ["1'234.5"], [1234.5]),
        ("%d.%m.%Y", "datetime64[ns]", ["31.12.2025", None, "1.2.2025"], [pd.Timestamp("2025-12-31"), None, pd.Timestamp("2025-02-01")]),
        ("%m/%d/%y %I:%M %p", "datetime64[ns]", ["12/31/25 01:30 PM"], [pd.Timestamp("2025-12-31T13:30")]),
        ("%d.%m.%Y %H:%M %z", "datetime64[ns, UTC]", ["31.01.2026 10:00 +0100"], [UTC_MOMENT]),
    ],
)  # fmt: skip
def test_texts_in_a_format_are_dates_and_numbers(
    tmp_path: Path, suffix: str, form: Any, dtype: str, texts: list[Any], values: list[Any]
) -> None:
    path, table = tmp_path / f"raw{suffix}", pd.DataFrame({"50 %": texts, "key": range(len(texts))})
    table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path, index=False)

    column = read_raw(path, contract_of(**{"50 %": dtype, "key": "str"}), data(formats={"50 %": form}))["50 %"]

    assert str(column.dtype) == dtype
    assert plain(column) == values


@pytest.mark.parametrize(
    ("dtype", "form", "text", "complaint"),
    [
        ("int64", None, "+1", "column a.b: 1 value (row 2: '+1') not int64"),
        ("Int8", None, "300", "column a.b: 1 value (row 2: '300') not int8"),
        ("float64", None, "1,5", "column a.b: 1 value (row 2: '1,5') not float64"),
        ("float64", None, "inf", "column a.b: 1 value (row 2: inf) infinite"),
        ("float64", None, "1e400", "column a.b: 1 value (row 2: inf) infinite"),
        ("datetime64[ns]", None, "2026-02-31", "(row 2: '2026-02-31') not datetime64[ns] (without a time zone)"),
        ("datetime64[ns]", None, "1500-01-01", "(row 2: '1500-01-01') not datetime64[ns]"),
        ("datetime64[ns]", None, "2026-01-31T09:00:00Z", "not datetime64[ns] (without a time zone)"),
        ("datetime64[ns, UTC]", None, "2026-01-31T09:00:00", "not datetime64[ns, UTC]"),
        ("bool", None, "yes", "(row 2: 'yes') not bool"),
        ("bool", None, "", "(row 2: None) but bool cannot be null; use Int64, boolean or float64"),
        ("float64", MONEY, "1,5", "(row 2: '1,5') not float64 as params.yaml says (data.formats: strip '$€%', thousands ','"),
        ("float64", GERMAN, "1.5", "(row 2: '1.5') not float64"),
        ("int64", MONEY, "1.5", "(row 2: '1.5') not int64"),
        ("int8", MONEY, "1,000", "(row 2: '1,000') not int8"),
        ("datetime64[ns]", "%d.%m.%Y", "31.02.2025", "(row 2: '31.02.2025') not datetime64[ns]"),
        ("datetime64[ns]", "%d.%m.%Y", "31.12.25", "(row 2: '31.12.25') not datetime64[ns]"),
        ("datetime64[ns]", "%d.%m.%Y", "01.01.1500", "(row 2: '01.01.1500') not datetime64[ns]"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_named_with_its_column_and_row(
    tmp_path: Path, dtype: str, form: Any, text: str, complaint: str
) -> None:
    good = "31.12.2025" if isinstance(form, str) else "2026-01-31T09:00:00" if dtype.startswith("datetime") else "1"
    good += "Z" * dtype.endswith("UTC]")
    path, formats = tmp_path / "raw.csv", {"a.b": form} if form else {}
    pd.DataFrame({"a.b": [good, text], "key": [1, 2]}).to_csv(path, index=False)

    with pytest.raises(DataError) as error:
        read_raw(path, contract_of(**{"a.b": dtype, "key": "str"}), data(formats=formats))

    assert str(error.value).startswith(f"{path}: column a.b: ")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def stamps(*values: int, unit: str = "us", zone: str | None = None) -> arrow.Array:
    return arrow.array(values, arrow.timestamp(unit, zone))


@pytest.mark.parametrize(
    ("column", "dtype", "values"),
    [
        (arrow.array([1.0, None, float("nan")]), "Int64", [1, None, None]),
        (arrow.array([Decimal("1.50"), None]), "float64", [1.5, None]),
        (arrow.array([datetime.date(2026, 1, 31)]), "datetime64[ns]", [pd.Timestamp("2026-01-31")]),
        (stamps(0, zone="UTC"), "datetime64[ns, UTC]", [pd.Timestamp(0, tz="UTC")]),
        (stamps(0, unit="s"), "datetime64[ns]", [pd.Timestamp(0)]),
        (arrow.array(["b", None, "a"]).dictionary_encode(), "str", ["b", None, "a"]),
        (arrow.array([3, None]).dictionary_encode(), "category", ["3", None]),
        (arrow.array([1, 2]), "category", ["1", "2"]),
        (arrow.array(["000123"], arrow.large_string()), "str", ["000123"]),
        (arrow.array(["a"], arrow.string_view()), "category", ["a"]),
        (arrow.array([1, 0, None]), "boolean", [True, False, None]),
        (arrow.array([True, None]), "float64", [1.0, None]),
        (arrow.array([EXCESS, None]), "Int64", [EXCESS, None]),
        (arrow.nulls(2), "category", [None, None]),
        (arrow.nulls(2), "float64", [None, None]),
    ],
)
def test_a_parquet_file_has_the_types_of_the_contract(
    tmp_path: Path, column: arrow.Array, dtype: str, values: list[Any]
) -> None:
    keys = arrow.array(range(len(column)))
    pyarrow.parquet.write_table(arrow.table({"__index_level_0__": keys, "1e3": column}), tmp_path / "raw.parquet")

    schema = contract_of(**{"__index_level_0__": "str", "1e3": dtype})
    frame = read_raw(tmp_path / "raw.parquet", schema, data())

    assert str(frame["1e3"].dtype).replace("string", "str") == dtype
    assert plain(frame["1e3"]) == values
    assert frame["__index_level_0__"].tolist() == [str(number) for number in range(len(column))]


@pytest.mark.parametrize(
    ("column", "dtype", "complaint"),
    [
        (arrow.array([1.0, 2.5]), "int64", "(row 2: 2.5) not int64"),
        (arrow.array([0, 2]), "bool", "(row 2: 2) not bool"),
        (arrow.array([0, 300]), "int8", "(row 2: 300) not int8"),
        (stamps(0), "datetime64[ns, UTC]", "timestamp[us], not datetime64[ns, UTC]"),
        (stamps(0, zone="UTC"), "datetime64[ns]", "timestamp[us, tz=UTC], not datetime64[ns] (without a time zone)"),
        (stamps(0), "int64", "timestamp[us], not int64"),
        (arrow.array([0]), "datetime64[ns]", "int64, not datetime64[ns]"),
        (arrow.array([datetime.time(1)]), "str", "time64[us], which is not supported"),
        (arrow.array([[1]]), "str", "list<element: int64>, which is not supported"),
        (arrow.array([{"a": 1}]), "float64", "struct<a: int64>, which is not supported"),
        (arrow.array(["1", "x"]), "float64", "(row 2: 'x') not float64"),
    ],
)
def test_a_parquet_column_of_another_type_is_refused(
    tmp_path: Path, column: arrow.Array, dtype: str, complaint: str
) -> None:
    pyarrow.parquet.write_table(arrow.table({"a b": column}), tmp_path / "raw.parquet")

    with pytest.raises(DataError) as error:
        read_raw(tmp_path / "raw.parquet", contract_of(**{"a b": dtype}), data())

    assert f"column a b: {complaint}" in str(error.value).replace("1 value ", "")


def test_a_folder_of_parquet_files_is_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    pd.DataFrame({"key": ["b"], "x": [2.0], "kind": ["v"]}).to_parquet(folder / "part-2.parquet")
    pd.DataFrame({"key": ["a"], "x": [1], "kind": ["u"]}).to_parquet(folder / "part-1.parquet")
    (folder / "_SUCCESS").touch()

    frame = read_raw(folder, contract_of(key="str", x="int64", kind="category"), data())

    assert frame.to_dict("list") == {"key": ["a", "b"], "x": [1, 2], "kind": ["u", "v"]}


def test_an_archive_of_two_files_an_empty_folder_and_a_broken_archive_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not a zip file")
    (tmp_path / "empty").mkdir()

    for name, complaint in {"two.zip": "holds 2 files", "broken.zip": "cannot be read", "empty": "without"}.items():
        with pytest.raises(DataError, match=rf"{name}: .*{complaint}"):
            read_raw(tmp_path / name, contract_of(key="str", größe="str", x="float64"), data())


def test_a_format_for_a_column_of_another_type_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_text("key,x\n1,2025\n")

    for form, dtype in (("%Y", "float64"), ({"strip": "$"}, "datetime64[ns]"), ("%Y", "datetime64[ns, UTC]")):
        with pytest.raises(ConfigError, match=r"data\.formats: x is "):
            read_raw(tmp_path / "raw.csv", contract_of(key="str", x=dtype), data(formats={"x": form}))


def test_a_made_id_is_the_same_whatever_the_file(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {
            "n": [1, 2, 1, 1],
            "on": [True, False, True, True],
            "when": pd.to_datetime(["2026-01-31", None, "2026-01-31", "2026-01-31"]),
            "what": ["a", None, "a", "b"],
            "target": ["x", "y", "z", "z"],
        }
    )
    rows.to_csv(tmp_path / "raw.csv", index=False)
    rows.astype({"n": "float64", "what": "category"}).to_parquet(tmp_path / "raw.parquet", index=False)
    settings = data(id="key", target="target", id_from=["n", "on", "when", "what"])
    dtypes = [
        {"n": "int64", "on": "bool", "when": "datetime64[ns]", "what": "category"},
        {"n": "Float64", "on": "boolean", "when": "datetime64[ns]", "what": "str"},
    ]

    frames = [
        read_raw(tmp_path / f"raw{suffix}", contract_of(key="str", **types, target="str"), settings)
        for suffix in (".csv", ".parquet")
        for types in dtypes
    ]

    first, second, third, fourth = frames[0]["key"]
    assert third == f"{first}-2"
    assert len({first, second, fourth}) == 3
    assert all(frame["key"].tolist() == [first, second, third, fourth] for frame in frames)
    assert [first, second] == [
        "34363afbb4ce97a4",
        "2ffe21cf5f4f8d8c",
    ]  # known answers: it must not change with a version of pandas


def test_a_file_with_a_column_named_as_the_made_id_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_text("key,n\n1,2\n")

    with pytest.raises(DataError, match="unexpected column key"):
        read_raw(tmp_path / "raw.csv", contract_of(key="str", n="int64"), data(id_from=["n"]))
