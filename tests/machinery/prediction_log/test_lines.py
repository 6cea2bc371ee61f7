"""How a block of a file is split into lines, and a line cut behind its head."""

import pyarrow as arrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.prediction_log.lines import Lines

BODY = b',"milliseconds":'


@given(st.lists(st.sampled_from([b"", b" ", b"\t \r", b"{}", b' {"a":1}', b"\xff", b"\x00", b"x" * 50]), max_size=8))
def test_all_lines_are_there_but_empty_ones(lines: list[bytes]) -> None:
    expected = [line for line in lines if line.strip()]

    for content in (b"\n".join(lines), b"\n".join([*lines, b""])):
        found = Lines.of(content)
        assert (list(found), len(found)) == (expected, len(expected))
        assert [found[place] for place in range(len(found))] == expected
        assert found[1:] == expected[1:]


@pytest.mark.parametrize(
    ("lines", "heads"),
    [
        ([b'{"a":1,"milliseconds":5,"x":{"milliseconds":7}}', b'{"a":2,"milliseconds":5}'], b'{"a":1}\n{"a":2}\n'),
        ([b'{"a":1}'], b'{"a":1}}\n'),  # which is no JSON: whoever reads it looks at the line itself
        ([b'{"a":1,"milliseconds":5}', b'{"a":1,"milliseconds":'], None),
    ],
)
def test_heads_end_before_the_body(lines: list[bytes], heads: bytes | None) -> None:
    buffer = Lines(arrow.array(lines, arrow.binary())).heads(BODY)

    assert (buffer and buffer.to_pybytes()) == heads
    part = Lines(arrow.array([b"{}", *lines, b"{}"], arrow.binary())[1:-1]).heads(BODY)
    assert (part and part.to_pybytes()) == heads
