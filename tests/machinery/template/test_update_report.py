"""What an update says that it has left to do."""

from pathlib import Path

import pytest

from lifecycle.template.provenance import Record
from lifecycle.template.update_report import lines
from lifecycle.template.update_result import Update
from lifecycle.template.user_files import UserFiles


@pytest.fixture
def update() -> Update:
    before, after = (
        Record(
            template="https://example.com/template",
            version=version,
            commit=None,
            tree="0" * 40,
            cookiecutter="2.7.0",
            answers={},
        )
        for version in ("1.0.0", "1.1.0")
    )
    return Update(
        before=before,
        after=after,
        branch="template-1.1.0",
        commit="1" * 40,
        conflicts={},
        files=3,
        user_files=UserFiles(),
        deleted=[],
        new_prompts={},
        lock_failure=None,
        unanswered=None,
        changes="",
    )


def test_the_pipelines_of_further_models_are_named(
    update: Update, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not any("model pipeline" in line for line in lines(update))
    for name in ("north", "south"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "params.yaml").touch()

    assert (
        "models/north, models/south: `model pipeline` brings dvc.yaml up to date; the settings there stay as they are"
        in lines(update)
    )
