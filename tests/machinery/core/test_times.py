"""Times, lengths and windows as people write them: one parser, one wording."""

import datetime

import pytest

from lifecycle.core import times
from lifecycle.core.errors import ConfigError
from lifecycle.core.times import EPOCH, Window, window

NOW = datetime.datetime(2026, 3, 1, 6, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("days", "name"), [(1, "1d"), (7, "1w"), (1.5, "36h"), (0.0625, "90m"), (1 + 1 / 86400, "86401s")]
)
def test_a_window_is_named_by_its_end_and_length(days: float, name: str) -> None:
    assert Window(NOW - days * DAY, NOW).name == f"2026-03-01T06-00-00Z-{name}"


@pytest.mark.parametrize(
    ("since", "until", "start", "end"),
    [
        (None, None, "2026-02-28T06:00", "2026-03-01T06:00"),
        ("2026-02-01", None, "2026-02-01T00:00", "2026-03-01T06:00"),
        (None, "2026-02-20T12:00", "2026-02-19T12:00", "2026-02-20T12:00"),
        ("2026-02-01T01:00+01:00", "2026-02-02", "2026-02-01T00:00", "2026-02-02T00:00"),
    ],
)
def test_a_window_may_be_given_by_either_end(since: str | None, until: str | None, start: str, end: str) -> None:
    found = window(since, until, "1d", NOW)

    assert [f"{moment:%Y-%m-%dT%H:%M}" for moment in (found.since, found.until)] == [start, end]
    assert found.since.tzinfo == datetime.UTC


def test_without_a_start_or_a_length_a_window_holds_all_there_is() -> None:
    assert window(None, None, None, NOW) == Window(EPOCH, NOW)


def test_whole_seconds_are_cut() -> None:
    found = window(None, None, "1d", NOW + datetime.timedelta(milliseconds=700), whole_seconds=True)

    assert found == Window(NOW - DAY, NOW)


@pytest.mark.parametrize(
    ("since", "until", "length", "message"),
    [
        ("2026-02-02", "2026-02-01", "1d", "the window is empty"),
        ("2026-02-02", "2026-02-02", "1d", "the window is empty"),
        (None, "2026-04-01", "1d", "the window ends at 2026-04-01 00:00:00 UTC, which is in the future"),
        ("yesterday", None, "1d", "--since: 'yesterday' is not a time: write 2026-01-31 or 2026-01-31T12:00, in UTC"),
        (None, "tomorrow", "1d", "--until: 'tomorrow' is not a time"),
        ("0001-01-01T00:00+14:00", None, "1d", "is not a time"),
        (None, "0001-01-02", "1w", "the window is empty"),
        (None, None, "1 day", "--window: '1 day' is not a length of time: write a number and m, h, d or w, as in 12h"),
    ],
)
def test_a_window_that_cannot_be_is_refused(since: str | None, until: str | None, length: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        window(since, until, length, NOW)


@pytest.mark.parametrize(("text", "hours"), [("30m", 0.5), ("12h", 12), ("1d", 24), ("2w", 336)])
def test_a_length_of_time_has_a_number_and_a_unit(text: str, hours: float) -> None:
    assert times.duration(text) == datetime.timedelta(hours=hours)
    assert window(None, None, text, NOW) == Window(NOW - datetime.timedelta(hours=hours), NOW)


@pytest.mark.parametrize("text", ["", "h", "0h", "1", "-1h", "1y", "1.5h", "1h ", "123456h"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="as in 12h"):
        times.duration(text)
    with pytest.raises(ConfigError, match="--window"):
        window(None, None, text, NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)),
        ("2026-01-31T12:00", datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)),
        ("2026-01-31T12:00+02:00", datetime.datetime(2026, 1, 31, 10, tzinfo=datetime.UTC)),
    ],
)
def test_a_time_is_in_utc_unless_it_has_an_offset(text: str, moment: datetime.datetime) -> None:
    assert times.moment(text) == moment


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01T00:00+14:00"])
def test_a_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="2026-01-31"):
        times.moment(text)
