"""What several servers report about a canary, added up."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core.config import Params
from lifecycle.prediction_log.writer import Log
from lifecycle.serving import settings
from lifecycle.serving.answer_recorder import AnswerRecorder
from lifecycle.serving.batcher import ServedVersion
from lifecycle.serving.model_source import ModelSource
from lifecycle.serving.pending_request import Answer, Row
from lifecycle.serving.prometheus_metrics import ServerMetrics
from lifecycle.serving.registry_watcher import RegistryWatcher
from lifecycle.serving.rollout.canary_analysis import judge
from lifecycle.serving.rollout.canary_watch import ArmReports
from lifecycle.serving.router import Roles, Router
from lifecycle.serving.status import status

POLICY = settings.load().canary.model_copy(update={"min_rows": 100, "max_latency_ratio": 1e9})
PRODUCTION, CANARY = 1, 2


class Process:
    """A model that answers from the record alone."""

    known: tuple = ()
    known_answers: tuple = ()
    metadata: tuple = ()

    async def predict(self, records: list[bytes]) -> list[Answer]:
        scores = [json.loads(record)["number"] / 1000 for record in records]
        return [Answer(b'"label":"Yes","probability":%a}' % score, score) for score in scores]

    def close(self) -> None:
        pass


def report(params: Params, folder: Path, ids: list[int]) -> dict[str, Any]:
    """Return what a server with production and a canary reports after it has answered rows with these ids."""

    async def answer() -> dict[str, Any]:
        server = settings.load().server
        recorder = AnswerRecorder("production", Log(folder / "log"), ServerMetrics())
        router = Router(recorder, 5.0)
        source = ModelSource(params, folder / "cache", "production")
        watcher = RegistryWatcher(params, server, "production", router, set(), source)

        async def load() -> Any:
            return Process()

        served = [ServedVersion(version, load, recorder.record, lambda _: None) for version in (PRODUCTION, CANARY)]
        for version in served:
            await version.start()
        router.replace_roles(Roles(served[0], served[1], percent=50))
        now = time.perf_counter()
        await router.answer(
            [Row(f"request-{number}", f"id {number}", b'{"number":%d}' % number, now) for number in ids]
        )
        return json.loads(json.dumps(status(watcher)))

    return asyncio.run(answer())


def totals(*reports: dict[str, Any]) -> tuple[int, int]:
    production, canary = added_up(*reports).totals()
    return production.ids.count() + canary.ids.count(), production.rows + canary.rows


def added_up(*reports: dict[str, Any]) -> ArmReports:
    arms = ArmReports(CANARY)
    arms.update(list(reports))
    return arms


def test_ids_that_two_servers_have_answered_count_once(params: Params, tmp_path: Path) -> None:
    same = [report(params, tmp_path, list(range(300))) for _ in range(2)]
    others = report(params, tmp_path, list(range(300, 400)))

    assert totals(*same) == (300, 600)
    assert totals(*same, others) == (400, 700)


def test_two_servers_are_judged_as_one_that_answered_all_rows(params: Params, tmp_path: Path) -> None:
    ids = [*range(400), *range(400)]
    one = report(params, tmp_path, ids)
    two = [report(params, tmp_path, half) for half in (ids[:400], ids[400:])]

    def without_latency(*reports: dict[str, Any]) -> list[str]:
        verdict = judge(*added_up(*reports).totals(), POLICY)
        return [verdict.decision, *(reason for reason in verdict.reasons if " ms " not in reason)]

    assert without_latency(*two) == without_latency(one)


def test_a_server_that_reports_again_is_not_counted_twice(params: Params, tmp_path: Path) -> None:
    first = report(params, tmp_path, list(range(300)))

    arms = added_up(first)
    arms.update([first])

    assert arms.totals()[1].rows == first["arms"]["canary"]["rows"]


def test_a_report_stays_small_however_many_ids_there_are(params: Params, tmp_path: Path) -> None:
    big = report(params, tmp_path, list(range(10_000)))

    assert len(json.dumps(big, separators=(",", ":"))) < 25_000


@pytest.mark.parametrize(
    ("versions", "unseen"), [({"production": 1, "canary": None}, 1), ({"production": None, "canary": None}, 0)]
)
def test_a_server_without_the_canary_is_noted_unless_it_is_starting(
    versions: dict[str, int | None], unseen: int
) -> None:
    arms = added_up({"versions": versions, "server": "a", "arms": None})

    assert (arms.unseen, arms.by_server) == (unseen, {})
