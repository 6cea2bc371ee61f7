"""retraining.yaml: what cannot be meant is refused by name."""

from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.retraining import settings


def test_the_file_of_this_repo_can_be_read() -> None:
    assert settings.load().min_rows > 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("min_rows: 100", "min_row: 100", "min_row is not a parameter (did you mean min_rows?)"),
        ("min_rows: 100", "min_rows: 0", "min_rows is 0"),
        ("branch: main", "branch: 'main; rm'", "branch is 'main; rm'"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = settings.RETRAINING.read_text()
    assert old in text
    path = tmp_path / "retraining.yaml"
    path.write_text(text.replace(old, new))

    with pytest.raises(ConfigError) as error:
        settings.load(path)

    assert message in str(error.value)
