"""Processes that end: a version's, a server's that is killed, and a server's that is stopped."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from served import Served
from serving import (
    Server,
    alive,
    load,
    only_answers,
    ready,
    serving,
    until,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

# Few, for they take long; how many is for whoever wants to know more.
KILLS = int(os.environ.get("KILLS", "3"))


def test_a_version_whose_process_is_killed_gets_another(served: Served, server: Server) -> None:
    with load(server, served.rows, 4, 1) as replies:
        for _ in range(5):
            count = len(replies)
            os.kill(server.processes()[-1], signal.SIGKILL)
            until(lambda: len(replies) > count + 50, "it goes on", server)  # noqa: B023
            until(lambda: len(server.processes()) == 3, "a new process", server)

    assert only_answers(replies)


def test_without_a_registry_a_server_starts_with_what_was_served_last_and_stops_in_order(
    served: Served, server: Server, tmp_path: Path
) -> None:
    with serving(served.project, tmp_path, MLFLOW_TRACKING_URI="http://127.0.0.1:9") as new:
        until(lambda: ready(new), "it is ready", new)
        (problem,) = new.ask("/model").body["problems"]
        assert "MLflow is unreachable" in problem
        assert "serving what was served last" in problem
        assert new.ask("/health/ready").body["problems"] == ["the registry does not say what to serve"]
        answer = new.ask("/predict", served.rows[0]).body
        assert (answer["model_version"], answer["probability"]) == (1, served.expected[0]["probability"])

        # In flight: many rows, and single ones that come in while it stops.
        with ThreadPoolExecutor() as pool, load(new, served.rows) as replies:
            until(lambda: len(replies) > 20, "load", new)
            many = [pool.submit(new.ask, "/predict/batch", {"records": served.rows * 3}, X_Request_ID=f"many-{place}")
                    for place in range(2)]  # fmt: skip
            first = {"many-0-0", "many-1-0"}
            until(
                lambda: len({line["request_id"] for line in new.lines()} & first) == 2, "they are being answered", new
            )
            processes = new.processes()
            new.process.send_signal(signal.SIGTERM)
            assert new.process.wait(20) == 0
            assert [len(answer.result().body["predictions"]) for answer in many] == [4152, 4152]
        assert {answer.status for answer in replies} <= {200, 0}
        assert sum(answer.status == 0 for answer in replies) <= 4, "a connection sees its end once"
        logged = {line["request_id"] for line in new.lines()}
        assert {answer.request_id for answer in replies if answer.status == 200} <= logged
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in processes), "its processes are gone", None, 5)
        assert "Traceback" not in "".join(new.printed)


def test_what_was_answered_is_in_the_log_of_a_server_that_is_killed(
    served: Served, server: Server, tmp_path: Path
) -> None:
    started: list[Any] = []

    def begin(number: int) -> Any:
        context = serving(served.project, tmp_path / str(number))
        started.append(context)
        return context.__enter__()

    answered = lost = 0
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(begin, 0)
        for number in range(KILLS):
            new = following.result()
            until(lambda: ready(new), "it is ready", new)  # noqa: B023
            with load(new, served.rows, 4, 1) as replies:
                until(lambda: len(replies) > 100 + 17 * number, "load", new)  # noqa: B023
                processes = new.processes()
                new.process.kill()
            if number + 1 < KILLS:
                following = pool.submit(begin, number + 1)
            until(lambda: not any(alive(pid) for pid in processes), "its processes are gone", None, 5)  # noqa: B023
            logged = {line["request_id"]: line for line in new.lines()}
            for answer in replies:
                rows = answer.body.get("predictions", [answer.body]) if answer.status == 200 else []
                for row in rows:
                    line = logged[row["request_id"]]
                    assert {"request_id": line["request_id"], "model_version": line["version"], "label": line["label"],
                            "probability": line["probability"]} == row  # fmt: skip
                answered += len(rows)
                lost += answer.status == 0
            assert {answer.status for answer in replies} <= {200, 0}
    print(f"{KILLS} killed: {answered} rows answered and in the log, {lost} connections broken")
    for context in started:
        context.__exit__(None, None, None)
