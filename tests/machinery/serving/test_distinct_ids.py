"""Different ids, counted on several servers."""

import os
import subprocess
import sys

import pytest

from lifecycle.serving.distinct_ids import DistinctIds, K
from lifecycle.serving.router import hash_fraction


def sketch(ids: range) -> DistinctIds:
    ids_seen = DistinctIds()
    for number in ids:
        ids_seen.add(f"id {number}")
    return ids_seen


@pytest.mark.parametrize("size", [0, 1, 300, K - 1])
def test_fewer_than_k_ids_are_counted_exactly(size: int) -> None:
    assert sketch(range(size)).count() == size


@pytest.mark.parametrize("size", [K, 5_000, 100_000])
def test_more_are_estimated_within_a_few_percent(size: int) -> None:
    assert sketch(range(size)).count() == pytest.approx(size, rel=0.07)  # standard error 3%


def test_an_id_that_repeats_counts_once() -> None:
    ids_seen = sketch(range(3000))
    before = ids_seen.encode()
    for number in range(3000):
        ids_seen.add(f"id {number}")

    assert ids_seen.encode() == before


def test_300_ids_seen_by_two_servers_are_300() -> None:
    assert (sketch(range(300)) | sketch(range(300))).count() == 300


def test_ids_that_only_one_server_has_seen_add_up() -> None:
    assert (sketch(range(300)) | sketch(range(300, 700))).count() == 700


@pytest.mark.parametrize("cut", [100, 1024, 20_000, 39_999])
def test_the_union_is_the_sketch_of_one_server_that_saw_all_rows(cut: int) -> None:
    union = sketch(range(cut)) | sketch(range(cut // 2, 40_000))

    assert union == sketch(range(40_000))


def test_a_sketch_survives_json_and_is_small() -> None:
    ids_seen = sketch(range(5_000))
    text = ids_seen.encode()

    assert DistinctIds.decode(text) == ids_seen
    assert len(text) == 10_924


@pytest.mark.parametrize("text", ["AAAA", "not base64!", "ümlaut"])
def test_a_text_that_is_no_sketch_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        DistinctIds.decode(text)


def test_every_process_hashes_alike() -> None:
    program = (
        "from lifecycle.serving.distinct_ids import DistinctIds\nids = DistinctIds()\nids.add('a')\nprint(ids.encode())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONPATH": "src", "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(printed) == 1


def test_the_hash_that_chooses_the_rows_of_a_canary_does_not_bias_their_count() -> None:
    chosen = [number for number in range(100_000) if hash_fraction(f"id {number}", 2) < 0.1]
    ids_seen = DistinctIds()
    for number in chosen:
        ids_seen.add(f"id {number}")

    assert ids_seen.count() == pytest.approx(len(chosen), rel=0.1)
