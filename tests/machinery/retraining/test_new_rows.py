"""On a contract of their own, so that they hold whatever the project's data is."""

import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lifecycle.core import config, contract
from lifecycle.core.config import Csv, NumberFormat, Params
from lifecycle.core.files import read_yaml
from lifecycle.core.raw_table import read_raw
from lifecycle.core.records import to_records
from lifecycle.prediction_log.labelled_rows import Labelled
from lifecycle.retraining.appended_rows import append
from lifecycle.retraining.new_rows import NewRows, select, sources
from machinery.compression import write_compressed

CONTRACT = """
schema_type: dataframe
strict: true
columns:
  target: {target}
  key: {{dtype: {key}, unique: true}}
  mail: {{dtype: str, unique: true}}
  size: {{dtype: float64, nullable: true, in_range: {{min_value: 0, max_value: 10}}, mean_between: {{min_value: 0, max_value: 1}}}}
  seen: {{dtype: 'datetime64[ns]'}}
  paid: {{dtype: bool}}
"""
TARGETS = {
    "binary": "{dtype: int64, isin: [0, 1]}",
    "multiclass": "{dtype: category, isin: [a, b, c]}",
    "regression": "{dtype: float64, in_range: {min_value: 0, max_value: 100}}",
}
LABELS: dict[str, tuple[Any, Any]] = {"binary": (1, 2), "multiclass": ("b", "d"), "regression": (7, 101.5)}
"""A label that each takes, and one that it does not."""
RAW = {"key": 1, "seen": "2026-01-31T12:00:00", "paid": "true", "size": 0.5, "mail": "a@x"}  # in an order of its own
PLAIN = Csv()
BEGAN = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


class Table:
    """A dataset of one row in a folder, and what may be added to it."""

    def __init__(
        self, folder: Path, params: Params, task: str, name: str = "raw.csv", csv: Csv = PLAIN, **settings: Any
    ) -> None:
        (folder / "contract.yaml").write_text(
            CONTRACT.format(target=TARGETS[task], key="str" if "id_from" in settings else "int64")
        )
        self.path, self.label = folder / name, LABELS[task][0]
        self.columns = read_yaml(folder / "contract.yaml")["columns"]
        self.schema = contract.load(folder / "contract.yaml", params.package)
        positive = 1 if task == "binary" else None
        data = config.Data(raw=self.path, id="key", target="target", positive=positive, csv=csv, **settings)
        self.params = params.model_copy(update={"task": task, "data": data})
        first = pd.DataFrame([RAW | {"target": self.label}])
        if name.rpartition(".")[2] not in ("csv", "gz", "bz2", "zst", "zip"):
            first = first.astype({"key": "int32"}).assign(seen=pd.to_datetime(first["seen"]), paid=[True], more=["x"])
            if task == "multiclass":
                first["target"] = first["target"].astype("category")
            self.schema.strict = False
            if not self.path.suffix:
                self.path.mkdir()
            first.to_parquet(self.path if self.path.suffix else self.path / "part-0.parquet")
        else:
            if "seen" in data.formats:
                first["seen"] = pd.to_datetime(first["seen"]).dt.strftime(data.formats["seen"])
            if "size" in data.formats:
                first["size"] = "$0,5"
            text = first.to_csv(index=False, sep=csv.separator, decimal=csv.decimal)
            write_compressed(self.path, text.encode(csv.encoding))

    def read(self) -> pd.DataFrame:
        return read_raw(self.path, self.schema, self.params.data)

    def select(self, *rows: Labelled) -> NewRows:
        return select(list(rows), self.read(), self.schema, self.columns, self.params)

    def row(self, number: Any, label: Any = None, minutes: int = 0, **inputs: Any) -> Labelled:
        given = {
            "key": number,
            "mail": f"{number}@x",
            "size": 0.25,
            "seen": "2026-02-01T00:00:00",
            "paid": False,
        } | inputs
        label = self.label if label is None else label
        return Labelled(f"r{number}-{minutes}", 3, BEGAN + datetime.timedelta(minutes=minutes), BEGAN, given, {}, label)


@pytest.fixture
def table(tmp_path: Path, params: Params) -> Table:
    return Table(tmp_path, params, "binary")


@pytest.mark.parametrize("name", ["raw.csv", "raw.csv.gz", "raw.parquet", "raw"])
@pytest.mark.parametrize("task", list(TARGETS))
def test_rows_are_added_in_the_files_own_format_and_come_back_as_they_were(
    tmp_path: Path, params: Params, task: str, name: str
) -> None:
    table = Table(tmp_path, params, task, name)
    before = table.read()
    new = table.select(table.row(2, size=None), table.row(3, paid=True, size=0.1 + 0.2, mail='say "hi", you'))
    append(new.frame, new.records, table.path, table.params.data)
    after = table.read()

    assert to_records(after, table.columns) == to_records(before, table.columns) + new.records
    assert after["key"].tolist() == [1, 2, 3]
    assert after["paid"].tolist() == [True, False, True]
    assert after["mail"].tolist()[2] == 'say "hi", you'
    assert after["size"].tolist()[2] == 0.1 + 0.2
    assert pd.isna(after["size"][1])
    assert str(after["seen"][1]) == "2026-02-01 00:00:00"


DATES, NUMBERS = {"seen": "%d.%m.%Y %H:%M:%S"}, {"size": NumberFormat(strip="$", thousands=".", decimal=",")}


@pytest.mark.parametrize("name", ["raw.csv", "raw.csv.bz2", "raw.csv.zst", "raw.csv.zip"])
@pytest.mark.parametrize("formats", [{}, DATES, NUMBERS])
@pytest.mark.parametrize(
    "csv",
    [
        Csv(separator=";", decimal=","),
        Csv(separator="\t", encoding="utf-16"),
        Csv(separator="|", encoding="latin-1", nulls=["", "?"]),
        Csv(encoding="cp1252"),
    ],
)
def test_rows_are_added_in_the_files_own_dialect(
    tmp_path: Path, params: Params, name: str, formats: dict[str, Any], csv: Csv
) -> None:
    table = Table(tmp_path, params, "binary", name, csv, formats=formats)
    before = table.read()

    new = table.select(table.row(2, size=None, mail="ä\r\nb"), table.row(3, size=0.1 + 0.2, mail='"a";|,\t'))
    append(new.frame, new.records, table.path, table.params.data)

    assert len(new.records) == 2
    assert to_records(table.read(), table.columns) == to_records(before, table.columns) + new.records


def test_a_folder_gets_another_file_each_time_and_the_others_stay(tmp_path: Path, params: Params) -> None:
    table = Table(tmp_path, params, "binary", "raw")
    for number in (2, 3):
        new = table.select(table.row(number))
        append(new.frame, new.records, table.path, table.params.data)

    assert sorted(path.name for path in table.path.iterdir()) == [
        "part-0.parquet", "part-0_000001.parquet", "part-0_000002.parquet",
    ]  # fmt: skip
    assert table.read()["key"].tolist() == [1, 2, 3]


def test_a_row_without_its_weight_is_left_out_though_the_column_may_be_null(tmp_path: Path, params: Params) -> None:
    table = Table(tmp_path, params, "binary", weight="size")

    new = table.select(table.row(2, size=None), table.row(3))

    assert new.frame["key"].tolist() == [3]
    assert list(new.rejected) == ["column size: the row has none"]


def test_a_value_that_the_file_cannot_hold_is_left_out_with_its_reason(tmp_path: Path, params: Params) -> None:
    csv = Csv(encoding="latin-1", nulls=["", "?"])
    table = Table(tmp_path, params, "binary", csv=csv, formats={"seen": "%d.%m.%Y"})
    seen = "2026-02-01T00:00:00"

    new = table.select(
        table.row(2, mail="€", seen=seen),
        table.row(3, mail="?"),
        table.row(4, seen="2026-02-01T12:00:00"),
        table.row(5),
    )

    assert new.frame["key"].tolist() == [5]
    assert list(new.rejected) == [
        "column mail: '€' cannot be written in latin-1, the encoding of the file",
        "column mail: '?' reads as missing in a CSV file",
        "column seen: 2026-02-01T12:00:00 cannot be written as %d.%m.%Y (data.formats)",
    ]


def test_a_row_with_a_made_id_is_known_by_its_content(tmp_path: Path, params: Params) -> None:
    table = Table(tmp_path, params, "binary", id_from=["size", "paid", "mail"])
    table.path.write_text(table.path.read_text().replace("key,", "").replace("1,2026", "2026"))
    known = {"size": RAW["size"], "paid": True, "mail": RAW["mail"], "key": None}

    new = table.select(table.row(2, **known), table.row(3, key=None), table.row(4, key=None, mail="3@x", minutes=1))
    append(new.frame, new.records, table.path, table.params.data)

    assert (new.known, new.repeated, len(new.records)) == (1, 1, 1)
    assert table.read()["key"].tolist()[1:] == [new.records[0]["key"]]
    assert table.select(table.row(3, key=None)).known == 1


@pytest.mark.parametrize(("start", "end"), [(b"\xef\xbb\xbf", b"\r\n"), (b"", b"\n"), (b"\n", b"")])
def test_what_is_in_a_csv_file_stays_byte_for_byte(table: Table, start: bytes, end: bytes) -> None:
    header, row = table.path.read_bytes().splitlines()
    separator = b"\r\n" if end == b"\r\n" else b"\n"
    before = start + header + separator + row + end
    table.path.write_bytes(before)

    new = table.select(table.row(2))
    append(new.frame, new.records, table.path, table.params.data)

    after = table.path.read_bytes()
    assert after == before + (b"" if end else b"\n") + b"2,2026-02-01T00:00:00,false,0.25,2@x,1" + separator
    assert table.read()["key"].tolist() == [1, 2]


@pytest.mark.parametrize("task", list(TARGETS))
def test_a_label_that_breaks_the_contract_is_left_out_with_its_reason(
    tmp_path: Path, params: Params, task: str
) -> None:
    table = Table(tmp_path, params, task)
    new = table.select(table.row(2), table.row(3, LABELS[task][1]))

    assert [record["key"] for record in new.records] == [2]
    (reason,) = new.rejected
    assert reason.startswith("column target: ")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"size": 11.0}, "column size: Input should be less than or equal to 10"),
        ({"size": "big"}, "column size: Input should be a valid number"),
        ({"paid": None}, "column paid: Input should be a valid boolean"),
        ({"key": None}, "column key: the row has none"),
        ({"mail": "a@x"}, "column mail: field_uniqueness"),
        ({"mail": "NA"}, "column mail: 'NA' reads as missing in a CSV file"),
        ({"mail": "hmac-sha256:" + "0" * 64}, "column mail: the log has it hashed"),
    ],
)
def test_a_row_that_breaks_the_contract_is_left_out_with_its_reason(table: Table, inputs: Any, reason: str) -> None:
    new = table.select(
        table.row(2), table.row(3, **inputs), table.row(4, **inputs) if "size" in inputs else table.row(5)
    )

    assert 2 in new.frame["key"].tolist()
    assert 3 not in new.frame["key"].tolist()
    assert dict(new.rejected) == {reason: 2 if "size" in inputs else 1}
    assert len(new.frame) == len(new.records) == len(new.rows)


def test_what_the_dataset_has_stays_and_of_several_answers_the_last_counts(table: Table) -> None:
    new = table.select(
        table.row(1, size=1.0), table.row(2, minutes=1), table.row(3, minutes=2), table.row(2, minutes=3, size=2.0)
    )

    assert (new.known, new.repeated) == (1, 1)
    assert [(record["key"], record["size"]) for record in new.records] == [(3, 0.25), (2, 2.0)]


def test_what_has_been_added_is_not_added_again(table: Table) -> None:
    rows = [table.row(2), table.row(3)]
    new = table.select(*rows)
    append(new.frame, new.records, table.path, table.params.data)

    again = table.select(*rows)

    assert (len(again.records), again.known) == (0, 2)


def test_a_column_that_the_contract_no_longer_has_is_left_out_and_one_that_is_new_is_missed(table: Table) -> None:
    lacking = table.row(3)
    del lacking.inputs["paid"]

    new = table.select(table.row(2, gone=7), lacking)

    assert [record["key"] for record in new.records] == [2]
    assert list(new.rejected) == ["column paid: Input should be a valid boolean"]


def test_a_check_of_a_whole_column_leaves_no_row_out(table: Table) -> None:
    assert len(table.select(table.row(2, size=9.0), table.row(3, size=9.0)).records) == 2


def test_sources_say_of_each_row_where_it_came_from(table: Table) -> None:
    found = sources(table.select(table.row(2, minutes=5)), "key")

    (row,) = found.to_dict("records")
    assert row == {
        "key": 2,
        "source": "prediction log",
        "answered": "2026-03-01T00:05:00+00:00",
        "labelled": "2026-03-01T00:00:00+00:00",
        "request_id": "r2-5",
        "model_version": 3,
    }
