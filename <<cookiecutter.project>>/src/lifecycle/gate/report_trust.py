"""What the gate's report says of results that were not recomputed, and of what a diff does not show.

Standard library only, as report.py.
"""

from typing import Any

SEED = "Only the seed changed, which makes no model better"
ONLY_DOCUMENTS = "no file changed but documents that no stage reads, so the results are the base's"
MAX_LINES, MAX_LENGTH = 20, 200


def believed_and_brought(content: dict[str, Any]) -> list[str]:
    """Return a line for each result that was believed or rounded differently, and for what a reviewer should look at."""
    recomputed, review = content.get("recomputed", {}), content.get("review", [])
    lines = [f"Not recomputed: {ONLY_DOCUMENTS}"] if recomputed.get("only_documents") else []
    lines += [f"Not recomputed: {line}" for line in recomputed.get("not", [])]
    lines += [f"Rounded differently: {line}" for line in recomputed.get("rounded", [])]
    lines += _seed(content.get("seed", {}))
    lines += [f"Read with care: {line}" for line in review[:MAX_LINES]]
    lines += [f"Read with care: {len(review) - MAX_LINES} more such lines"] if len(review) > MAX_LINES else []
    return [line[:MAX_LENGTH] for line in lines]


def _seed(seed: dict[str, Any]) -> list[str]:
    """What to think of figures that only another seed has changed."""
    if not seed.get("only"):
        return []
    ranges = [f"{name} {low:.4f} to {high:.4f}" for name, (low, high) in seed["spread"].items()]
    return [f"{SEED}; with five other seeds: {', '.join(ranges)}" if ranges else SEED]
