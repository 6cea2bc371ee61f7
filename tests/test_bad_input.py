"""Bad data and bad settings, each through the real `dvc repro`: one line, the right exit code, nothing lost."""

import re
from collections.abc import Callable

import pytest
from conftest import BakedProject

pytestmark = pytest.mark.slow

RAW = "data/raw/telco.csv"
RESULTS = (
    "metrics",
    "plots",
    "models",
    "reports/validation.json",
    "reports/model_card.md",
    "data/features",
    "data/predictions",
)

Change = Callable[[BakedProject], None]


def raw(change: Callable[[list[str]], list[str]]) -> Change:
    """Change the raw file's lines; the first is the header."""

    def apply(project: BakedProject) -> None:
        lines = change(project.text(RAW).splitlines())
        (project.path / RAW).write_text("".join(f"{line}\n" for line in lines))

    return apply


def edit(name: str, old: str, new: str) -> Change:
    return lambda project: project.replace(name, old, new)


def row(number: int, old: str, new: str) -> Change:
    """Replace a text in one row of the raw file, counted from 1."""

    def change(lines: list[str]) -> list[str]:
        assert old in lines[number], lines[number]
        return [*lines[:number], lines[number].replace(old, new, 1), *lines[number + 1 :]]

    return raw(change)


DATA_ERRORS = {
    "unparsable": (raw(lambda lines: [*lines, "C99999,No,1"]), [RAW, "cannot be read: CSV parse error: Expected 21 columns, got 3: C99999,No,1"]),
    "binary": (lambda project: (project.path / RAW).write_bytes(bytes(range(256))) and None, [RAW, "cannot be read"]),
    "empty": (raw(lambda lines: []), [RAW, "is empty"]),
    "header only": (raw(lambda lines: lines[:1]), [RAW, "has a header and no rows"]),
    "missing column": (raw(lambda lines: [line.rpartition(",")[0] for line in lines]), [RAW, "missing column total_charges"]),
    "extra column": (raw(lambda lines: [lines[0] + ",age", *(line + ",3" for line in lines[1:])]), [RAW, "unexpected column age"]),
    "renamed column": (
        raw(lambda lines: [lines[0].replace("tenure", "months"), *lines[1:]]),
        [RAW, "missing column tenure; unexpected column months"],
    ),
    "wrong type": (row(3, ",2,", ",two,"), [RAW, "column tenure: 1 value (row 3: 'two') not int64"]),
    "null": (row(3, "Mailed check", ""), [RAW, "column payment_method: not_nullable fails (customer_id C00003:"]),
    "category never seen": (row(3, "Mailed check", "Bitcoin"), [RAW, "column payment_method: isin(", "customer_id C00003: Bitcoin"]),
    "duplicated ids": (row(3, "C00003", "C00004"), [RAW, "column customer_id: field_uniqueness fails in 2 rows (customer_id C00004"]),
    "one class": (
        raw(lambda lines: [line for line in lines if ",Yes," not in line[:12]]),
        [RAW, "column churn: fits_task(binary) fails (1 classes (No))"],
    ),
    "out of range": (row(3, ",2,", ",-2,"), [RAW, "column tenure: in_range(0, 120) fails (customer_id C00003: -2)"]),
    "moved mean": (
        raw(lambda lines: [lines[0], *(line for line in lines[1:] if float(line.split(",")[-2]) > 90)]),
        [RAW, "column monthly_charges: mean_between(min_value=50, max_value=80) fails (found "],
    ),
}  # fmt: skip

CONFIGURATION_ERRORS = {
    "parameter missing": (edit("params.yaml", "seed: 42", ""), ["params.yaml: seed is missing"]),
    "parameter misspelt": (edit("params.yaml", "threshold:", "treshold:"), ["evaluate.treshold is not a parameter (did you mean threshold?)"]),
    "parameter out of range": (edit("params.yaml", "validation: 0.15", "validation: 1.5"), ["split.validation is 1.5: input should be less than 1"]),
    "estimator setting misspelt": (
        edit("params.yaml", "learning_rate:", "learning_rat:"),
        ["params.yaml: train.parameters: learning_rat is not a parameter of HistGradientBoostingClassifier (did you mean learning_rate?)"],
    ),
    "estimator setting out of range": (edit("params.yaml", "learning_rate: 0.05", "learning_rate: -0.1"), ["The 'learning_rate' parameter", "Got -0.1 instead"]),
    "settings that do not go together": (
        edit("params.yaml", "learning_rate: 0.05", "categorical_features: [9999]"),
        ["params.yaml: train.parameters: ", "categorical_features"],
    ),
    "unknown column": (edit("params.yaml", "[contract,", "[contrat,"), ["evaluate.slices names 'contrat', which contract.yaml does not have"]),
    "contract not YAML": (edit("contract.yaml", "columns:", "columns: ]"), ["contract.yaml: not valid YAML"]),
    "contract names an unknown check": (edit("contract.yaml", "str_matches:", "str_matchs:"), ["contract.yaml", "column customer_id: 'str_matchs' is neither"]),
    "contract names an unknown type": (edit("contract.yaml", "dtype: int64", "dtype: integer63"), ["contract.yaml", "integer63"]),
}  # fmt: skip

CASES = [(name, 1, *case) for name, case in DATA_ERRORS.items()] + [
    (name, 2, *case) for name, case in CONFIGURATION_ERRORS.items()
]


@pytest.mark.parametrize(
    ("exit_code", "change", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_bad_input_is_refused_in_one_line_and_the_last_results_stay(
    copy: BakedProject, exit_code: int, change: Change, expected: list[str]
) -> None:
    before = copy.hashes(*RESULTS)
    change(copy)

    done = copy.run("dvc repro", check=False)

    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")] or [done.stderr]
    for text in expected:
        assert text in line
    assert f"exited with {exit_code}" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(line) < 1500
    assert copy.hashes(*RESULTS) == before


def test_once_mended_the_pipeline_picks_up_where_it_was(copy: BakedProject) -> None:
    before = copy.hashes(*RESULTS)
    row(3, "Mailed check", "Bitcoin")(copy)
    copy.run("dvc repro", check=False)
    failed = copy.read("reports/validation_failed.json")
    row(3, "Bitcoin", "Mailed check")(copy)

    output = copy.run("dvc repro").stdout

    assert failed["passed"] is False
    assert failed["checks"][0]["examples"] == ["customer_id C00003: Bitcoin"]
    assert "train" not in re.findall(r"Running stage '(\w+)'", output)
    assert copy.hashes(*RESULTS) == before
    assert copy.run("git status --porcelain").stdout == ""


def test_a_million_bad_rows_are_still_one_line(copy: BakedProject) -> None:
    raw(lambda lines: [lines[0], *(line.replace(",Month-to-month,", ",Weekly,") for line in lines[1:])])(copy)

    done = copy.run("dvc repro", check=False)

    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "column contract: isin(['Month-to-month', 'One year', 'Two year']) fails in 3,875 rows" in line
    assert line.count("customer_id C") == 5
