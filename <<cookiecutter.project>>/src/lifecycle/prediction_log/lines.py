"""Lines of the prediction log as Arrow holds them: a block of a file is split, and cut, without an object for each line."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.compute as pc

SPACE = [b"", b" ", b"\t", b"\r"]  # with which a line begins that may be empty


class Lines(Sequence[bytes]):
    """Lines without their ends: one becomes bytes when it is asked for."""

    def __init__(self, array: arrow.Array) -> None:
        """`array` is of binary values, without missing ones."""
        self.array = array

    @classmethod
    def of(cls, content: bytes) -> "Lines":
        """Return the lines of a block of a file, without empty ones."""
        kind = arrow.binary() if len(content) < 2**31 - 1 else arrow.large_binary()
        array = pc.split_pattern(arrow.array([content], kind), b"\n").flatten()
        may_be_empty = pc.is_in(pc.binary_slice(array, 0, 1), arrow.array(SPACE, kind)).to_numpy(zero_copy_only=False)
        empty = [place for place in np.flatnonzero(may_be_empty).tolist() if not array[place].as_py().strip()]
        return cls(array.filter(arrow.array(~np.isin(np.arange(len(array)), empty))) if empty else array)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return self.array[place].to_pylist()
        return self.array[int(place)].as_py()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.array.to_pylist())

    def heads(self, body: bytes) -> arrow.Buffer | None:
        """Return JSON lines of what stands before `body` in each line; None if not every line is one that can be cut like this."""
        if self.array.type != arrow.binary() or not pc.all(pc.ends_with(self.array, b"}")).as_py():
            return None
        before_and_after = pc.split_pattern(self.array, body, max_splits=1)
        before = before_and_after.flatten().take(before_and_after.offsets[:-1])
        short = pc.binary_join_element_wise(before, b"}\n", b"")
        return short.buffers()[2].slice(0, pc.sum(pc.binary_length(short)).as_py())
