import datetime

import pytest

from lifecycle.core import times
from lifecycle.core.errors import ConfigError

UTC = datetime.UTC


@pytest.mark.parametrize(("text", "hours"), [("30m", 0.5), ("12h", 12), ("1d", 24), ("2w", 336)])
def test_a_length_of_time_has_a_number_and_a_unit(text: str, hours: float) -> None:
    assert times.duration(text) == datetime.timedelta(hours=hours)
    since, until = times.window(text)
    assert until - since == pytest.approx(datetime.timedelta(hours=hours), abs=datetime.timedelta(seconds=1))


@pytest.mark.parametrize("text", ["", "h", "0h", "1", "-1h", "1y", "1.5h", "1h ", "123456h"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="as in 12h"):
        times.duration(text)
    with pytest.raises(ConfigError, match="--window"):
        times.window(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime.datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00", datetime.datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00+02:00", datetime.datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_in_utc_unless_it_has_an_offset(text: str, moment: datetime.datetime) -> None:
    assert times.moment(text) == moment


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01T00:00+14:00"])
def test_a_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="2026-01-31"):
        times.moment(text)
