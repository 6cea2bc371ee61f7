from pathlib import Path

import pytest

from << cookiecutter.package >> import config
from << cookiecutter.package >>.errors import ConfigError


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("seed: 42", "", "seed is missing"),
        ("seed: 42", "sed: 42", "sed is not a parameter (did you mean seed?)"),
        ("seed: 42", "seed: -1", "seed is -1: input should be greater than or equal to 0"),
        ("test: 0.2", "test: 1.2", "split.test is 1.2: input should be less than 1"),
        ("test: 0.2", "test: 0.9", "split: validation and test take 1.05 of the rows"),
        ("test: 0.2", "tests: 0.2", "split.tests is not a parameter (did you mean test?)"),
        ("task: binary", "task: ranking", "task is 'ranking'"),
        ("positive: Yes", "positive:", "data.positive is missing"),
        ("bootstrap: 1000", "bootstrap: many", "evaluate.bootstrap is 'many'"),
        (
            "time: null",
            "time: {column: t, validation_from: 2025-04-01, test_from: 2025-01-01}",
            "validation_from must come before",
        ),
        ("seed: 42", "seed: [", "not valid YAML"),
    ],
)
def test_a_bad_parameter_is_named_with_what_to_do(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "params.yaml"
    text = config.PARAMS.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(ConfigError) as error:
        config.load(path)

    assert str(path) in str(error.value)
    assert complaint in str(error.value)


def test_numbers_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(config.PARAMS.read_text().replace("learning_rate: 0.05", "learning_rate: 5e-2"))

    assert config.load(path).train.hist_gradient_boosting["learning_rate"] == 0.05


def test_an_experiment_in_a_copy_of_the_repo_knows_the_main_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert config.main_checkout() == Path(".")

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))

    assert config.main_checkout() == tmp_path
