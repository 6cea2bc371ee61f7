"""Many rows through the trees of scikit-learn's gradient boosting, one split after the other.

The estimator sends each row down each tree, and the processor guesses wrongly which way most rows go. Here numpy decides a split for all rows
together. The decisions of up to 14 splits of a tree are the bits of a number, and a table has the leaf for each number. The leaves are
added in the order of the trees, so that a prediction has the same bits.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lifecycle.core.tree_walk import Trees

MANY_ROWS = 4096  # with fewer, calling numpy for each split takes longer than it saves
MOST_SPLITS = 31  # of a tree: with more, the estimator, which only decides those on a row's way, is faster
BITS = 14  # a table takes up to 128 kB
CHUNK = 16_384  # rows: a few of their columns fit into a processor's cache
NO_CATEGORY = 256


@dataclass(frozen=True)
class Split:
    """Where a row goes left: its value of a feature is at most a threshold, or a category of a set."""

    feature: int
    threshold: float
    missing_left: bool
    categories: np.ndarray | None
    """Whether each category goes left, and at the end whether what is none does; None for a number."""


@dataclass(frozen=True)
class Block:
    """Up to 14 splits of a tree from one downwards."""

    splits: list[Split]
    leaves: np.ndarray
    """By the number that the decisions make: the value of the leaf; 0 where it is in a block below."""
    below: list[tuple[np.ndarray, "Block"]]
    """The blocks below, and for each whether a number leads to it."""


class TreeTables:
    """The trees of an estimator as tables."""

    def __init__(self, trees: "Trees") -> None:
        self._trees = trees
        sizes = np.diff([*trees.roots, len(trees.value)])
        self._are_small = int(sizes.max()) // 2 <= MOST_SPLITS  # half of the nodes are splits

    def are_faster(self, rows: int) -> bool:
        """Whether tables are faster than the estimator's own code for a number of rows."""
        return self._are_small and rows >= MANY_ROWS

    def add(self, rows: np.ndarray, raw: np.ndarray) -> None:
        """Add the leaves of all trees.

        Args:
            rows: shape (rows, features), NaN where a value is missing.
            raw: what is added to, in place, shape (rows, outputs).
        """
        for first in range(0, len(rows), CHUNK):
            chunk, sums = _Chunk(rows[first : first + CHUNK]), raw[first : first + CHUNK]
            for tree, block in enumerate(self._blocks):
                sums[:, tree % raw.shape[1]] += chunk.leaves(block)

    @cached_property
    def _blocks(self) -> list[Block]:
        """The first block of each tree; made when they are first needed, because a server of single rows needs none."""
        return [_block(self._trees, int(root)) for root in self._trees.roots]


def _block(trees: "Trees", root: int) -> Block:
    splits, ends, pending = [], [], [root]
    while pending:
        node = pending.pop(0)
        right, left = trees.children[2 * node], trees.children[2 * node + 1]
        if left == node or len(splits) == BITS:  # a leaf is its own child
            ends.append(node)
        else:
            splits.append(node)
            pending += [int(right), int(left)]
    place = {node: number for number, node in enumerate([*splits, *ends])}
    following = np.array([[place[int(trees.children[2 * node + left])] for left in (0, 1)] for node in splits])
    numbers, at = np.arange(2 ** len(splits)), np.zeros(2 ** len(splits), dtype=np.intp)
    for _ in splits:  # the first split is the highest bit; no way is longer than there are splits
        inside = np.flatnonzero(at < len(splits))
        bit = len(splits) - 1 - at[inside]
        at[inside] = following[at[inside], numbers[inside] >> bit & 1]
    end = np.array(ends)[at - len(splits)]
    is_leaf = trees.children[2 * end + 1] == end
    inner = [node for node in ends if trees.children[2 * node + 1] != node]
    leaves = np.where(is_leaf, trees.value[end], 0.0)
    return Block(
        [_split(trees, node) for node in splits], leaves, [(end == node, _block(trees, node)) for node in inner]
    )


def _split(trees: "Trees", node: int) -> Split:
    feature, missing_left = int(trees.feature[node]), bool(trees.missing_left[node])
    categories = None
    if trees.splits_categories and trees.of_categories[node]:
        known = trees.known[trees.place_of_feature[feature]]
        categories = np.append(np.where(known, trees.left_sets[trees.left_set[node]], missing_left), missing_left)
    return Split(feature, float(trees.threshold[node]), missing_left, categories)


class _Chunk:
    """Rows that are sent through trees together, by columns."""

    def __init__(self, rows: np.ndarray) -> None:
        self._columns = np.asfortranarray(rows)
        self._missing: dict[int, np.ndarray | None] = {}
        self._categories: dict[int, np.ndarray] = {}
        self._decision = np.empty(len(rows), dtype=bool)

    def leaves(self, block: Block) -> np.ndarray:
        """Return the values of the leaves that the rows come to from a block on, shape (rows,)."""
        kind = np.uint8 if len(block.splits) <= 8 else np.uint16  # the fewest bytes
        numbers, decision = np.zeros(len(self._columns), dtype=kind), self._decision
        for split in block.splits:
            self._decide(split)
            np.add(numbers, numbers, out=numbers)
            np.add(numbers, decision.view(np.uint8), out=numbers)
        numbers = numbers.astype(np.intp)
        values = block.leaves.take(numbers)
        for leads_there, inner in block.below:
            np.copyto(values, self.leaves(inner), where=leads_there.take(numbers))
        return values

    def _decide(self, split: Split) -> None:
        """Set for each row whether it goes left."""
        if split.categories is not None:
            split.categories.take(self._categories_of(split.feature), out=self._decision, mode="clip")
            return
        np.less_equal(self._columns[:, split.feature], split.threshold, out=self._decision)
        if split.missing_left and (missing := self._missing_of(split.feature)) is not None:
            np.logical_or(self._decision, missing, out=self._decision)

    def _missing_of(self, feature: int) -> np.ndarray | None:
        if feature not in self._missing:
            missing = np.isnan(self._columns[:, feature])
            self._missing[feature] = missing if missing.any() else None
        return self._missing[feature]

    def _categories_of(self, feature: int) -> np.ndarray:
        if feature not in self._categories:
            values = self._columns[:, feature]
            valid = (values >= 0) & (values < NO_CATEGORY)
            self._categories[feature] = np.where(valid, values, NO_CATEGORY).astype(np.intp)
        return self._categories[feature]
