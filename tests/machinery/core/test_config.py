from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml

MISSING = object()


def changed(tmp_path: Path, **changes: Any) -> Path:
    """Write params.yaml with some values changed, by dotted name, and return its path."""
    content = read_yaml(config.PARAMS)
    for name, value in changes.items():
        *sections, last = name.split(".")
        section = content
        for name in sections:
            section = section[name]
        if value is MISSING:
            section.pop(last, None)
        else:
            section[last] = value
    path = tmp_path / "params.yaml"
    YAML().dump(content, path)
    return path


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"seed": MISSING}, "seed is missing"),
        ({"sed": 42}, "sed is not a parameter (did you mean seed?)"),
        ({"seed": -1}, "seed is -1: input should be greater than or equal to 0"),
        ({"split.test": 1.2}, "split.test is 1.2: input should be less than 1"),
        ({"split.test": 0.9, "split.validation": 0.15}, "split: validation and test take 1.05 of the rows"),
        ({"split.tests": 0.2}, "split.tests is not a parameter (did you mean test?)"),
        ({"task": "ranking"}, "task is 'ranking'"),
        ({"task": "binary", "data.positive": None}, "data.positive is missing"),
        (
            {"evaluate.threshold": "best_f1"},
            "evaluate.threshold: must be a number; a rule that chooses it goes into train.threshold",
        ),
        ({"evaluate.threshold": {"recall": 0.9}}, "goes into train.threshold"),
        ({"evaluate.threshold": 1.5}, "evaluate.threshold is 1.5: input should be less than 1"),
        ({"evaluate.bootstrap": "many"}, "evaluate.bootstrap is 'many'"),
        ({"track.experiment": "team/.."}, "track.experiment is 'team/..'"),
        (
            {"split.time": {"column": "t", "validation_from": "2025-04-01", "test_from": "2025-01-01"}},
            "validation_from must come before",
        ),
    ],
)
def test_a_bad_parameter_is_named_with_what_to_do(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    path = changed(tmp_path, **changes)

    with pytest.raises(ConfigError) as error:
        config.load(path)

    assert str(path) in str(error.value)
    assert complaint in str(error.value)


@pytest.mark.parametrize("experiment", ["churn", "/Teams/ada/churn (v2)", "Abwanderung für 2026/"])
def test_an_experiment_may_be_called_what_mlflow_takes(tmp_path: Path, experiment: str) -> None:
    assert config.load(changed(tmp_path, **{"track.experiment": experiment})).track.experiment == experiment


def test_params_that_are_not_yaml_are_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("seed: [")

    with pytest.raises(ConfigError, match="not valid YAML"):
        config.load(tmp_path / "params.yaml")


def test_numbers_and_words_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    """YAML 1.2: 5e-2 is a number and Yes is a word."""
    path = changed(tmp_path, **{"train.ridge": {}, "data.positive": "POSITIVE"})
    path.write_text(path.read_text().replace("ridge: {}", "ridge: {alpha: 5e-2}").replace("POSITIVE", "Yes"))

    params = config.load(path)

    assert params.train.sections["ridge"]["alpha"] == 0.05
    assert params.data.positive == "Yes"


def test_an_experiment_in_a_copy_of_the_repo_knows_the_main_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert config.main_checkout() == Path(".")

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))

    assert config.main_checkout() == tmp_path
