from pathlib import Path

import pytest

from << cookiecutter.package >>.errors import ConfigError
from << cookiecutter.package >>.monitoring import settings


def test_the_settings_that_come_with_the_project_are_valid() -> None:
    assert settings.load().retrain.min_rows > 0


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("webhook_seconds: 10", "webhook_seconds: 0", "alert.webhook_seconds is 0"),
        ("min_rows: 100", "min_row: 100", "retrain.min_row is not a parameter (did you mean min_rows?)"),
        ("start: auto", "start: sometimes", "retrain.start is 'sometimes'"),
        ("branch: main", "branch: 'main; rm'", "retrain.branch is 'main; rm'"),
        ("issue: drift", "issue: 'a,b'", "alert.issue is 'a,b'"),
    ],
)
def test_what_is_misspelt_or_cannot_be_is_refused_by_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = settings.MONITORING.read_text()
    assert old in text
    path = tmp_path / "monitoring.yaml"
    path.write_text(text.replace(old, new))

    with pytest.raises(ConfigError) as error:
        settings.load(path)

    assert says in str(error.value)
