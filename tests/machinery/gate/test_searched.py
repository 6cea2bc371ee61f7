"""What the report says of parameters that come from a search."""

import json
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core import config
from lifecycle.gate import searched as module
from lifecycle.gate.searched import searched

REPORT = {
    "metric": "log_loss",
    "trials": 50,
    "parameters": {"train.parameters.max_iter": 120},
    "validation": 0.41,
    "corrected": {"value": 0.42, "low": 0.4, "high": 0.45},
}
PARAMS = "train: {estimator: x, parameters: {max_iter: 120}}"


@pytest.fixture
def branch(monkeypatch: pytest.MonkeyPatch) -> dict[Path, str | None]:
    files: dict[Path, str | None] = {config.SEARCH_REPORT: json.dumps(REPORT), config.PARAMS: PARAMS}
    monkeypatch.setattr(module, "text_at", lambda commit, path: files[path] if commit == "head" else None)
    return files


def test_the_best_of_so_many_trials_is_named_with_what_it_is_worth(branch: dict[Path, str | None]) -> None:
    line = searched("base", "head")

    assert "the best of 50 trials on the validation rows" in line
    assert "log_loss 0.4100, and 0.4200 (0.4000 to 0.4500) corrected for the choice" in line


def test_nothing_is_said_of_parameters_that_are_others(branch: dict[Path, str | None]) -> None:
    branch[config.PARAMS] = PARAMS.replace("120", "130")
    assert searched("base", "head") == ""
    branch[config.SEARCH_REPORT] = None
    assert searched("base", "head") == ""


@pytest.mark.parametrize("name", REPORT)
@pytest.mark.parametrize("value", [None, [], {}, "text", 10**400, {"value": "x"}])
def test_whatever_the_file_says_is_one_line(branch: dict[Path, str | None], name: str, value: Any) -> None:
    branch[config.SEARCH_REPORT] = json.dumps(REPORT | {name: value})

    assert "\n" not in searched("base", "head")


def test_a_file_that_is_no_json_is_named(branch: dict[Path, str | None]) -> None:
    branch[config.SEARCH_REPORT] = "{"

    assert searched("base", "head").startswith("Search: reports/search.json: not valid JSON")
