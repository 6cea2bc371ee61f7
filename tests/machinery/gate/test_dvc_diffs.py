"""Whose figures DVC's diffs are: it names the files of every model in the repo."""

import json
import subprocess
from pathlib import Path

import pytest

from lifecycle.gate import dvc_diffs

FIGURE = {"auc": {"old": 0.7, "new": 0.8, "diff": 0.1}}


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What DVC prints, in a project with the further model north."""
    monkeypatch.chdir(tmp_path)
    Path("models/north").mkdir(parents=True)
    Path("models/north/params.yaml").write_text("package: mine\n")
    content: dict[str, object] = {}
    monkeypatch.setattr(
        dvc_diffs,
        "dvc",
        lambda *arguments, folder=Path(): subprocess.CompletedProcess(arguments, 0, json.dumps(content), ""),
    )
    return content


def test_figures_of_another_model_are_left_out_and_a_folder_that_is_none_stays(printed: dict[str, object]) -> None:
    own = ["metrics/test.json", "models/report/scores.json", "more/scores.json"]
    printed.update(dict.fromkeys([*own, "models/north/metrics/test.json", "../north/metrics/test.json"], FIGURE))

    assert list(dvc_diffs.metrics_diff("base", Path())) == own


def test_parameters_of_another_model_are_left_out(printed: dict[str, object]) -> None:
    change = {"seed": {"old": 1, "new": 2}}
    printed.update(dict.fromkeys(["params.yaml", "models/north/params.yaml", "../../params.yaml"], change))

    assert list(dvc_diffs.params_diff("base", "head")) == ["params.yaml"]
