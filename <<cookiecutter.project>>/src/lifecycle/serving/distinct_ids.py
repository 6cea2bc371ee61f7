"""Count different ids in a form that several servers can add up: a bottom-k sketch.

Of the 64-bit hashes of all ids the sketch keeps the k smallest. The k smallest of two sketches are the sketch of one server that saw
the rows of both, so an id that two servers saw counts once. Fewer than k ids are counted exactly; for more, the count is estimated as
(k - 1) / (kth smallest hash as a fraction of 2**64), with a relative standard error of 1 / sqrt(k - 2), about 3%.

Bar-Yossef et al., "Counting distinct elements in a data stream" (2002); Beyer et al., "On synopses for distinct-value estimation
under multiset operations" (2007), where this estimator is shown to be unbiased.
"""

import base64
import heapq
import struct
from collections.abc import Iterable
from hashlib import blake2b

K = 1024  # hashes of 8 bytes: at most 10,924 characters of base64
HASH_RANGE = 2**64


class DistinctIds:
    """The different ids among rows."""

    def __init__(self, hashes: Iterable[int] = ()) -> None:
        self._hashes = set(heapq.nsmallest(K, set(hashes)))
        self._negated = [-value for value in self._hashes]  # heapq has no heap whose first element is the largest
        heapq.heapify(self._negated)

    def add(self, row_id: str) -> None:
        value = _hash(row_id)
        if value in self._hashes:
            return
        if len(self._hashes) < K:
            self._hashes.add(value)
            heapq.heappush(self._negated, -value)
        elif value < -self._negated[0]:
            self._hashes.add(value)
            self._hashes.remove(-heapq.heapreplace(self._negated, -value))

    def count(self) -> int:
        """Return the number of different ids: exact below K, else an estimate."""
        if len(self._hashes) < K:
            return len(self._hashes)
        return round((K - 1) * HASH_RANGE / -self._negated[0])

    def __or__(self, other: "DistinctIds") -> "DistinctIds":
        return DistinctIds(self._hashes | other._hashes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DistinctIds) and self._hashes == other._hashes

    def encode(self) -> str:
        """Return the hashes in ascending order, big-endian, as base64."""
        return base64.b64encode(struct.pack(f">{len(self._hashes)}Q", *sorted(self._hashes))).decode()

    @classmethod
    def decode(cls, text: str) -> "DistinctIds":
        """Return what `encode` has written. Raises ValueError if it did not write this."""
        content = base64.b64decode(text, validate=True)
        if len(content) % 8:
            raise ValueError("not a list of 64-bit hashes")
        return cls(struct.unpack(f">{len(content) // 8}Q", content))


def _hash(row_id: str) -> int:
    """The same in every process, unlike `hash`, and independent of the hash that chooses the canary's rows: else those would all be small."""
    return int.from_bytes(blake2b(row_id.encode(), digest_size=8, person=b"distinct ids").digest())
