"""Versions that come and go, fail, hang and crash beneath a server that is being asked; and servers that are killed."""

import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from served import Served
from serving import POLL, TIMEOUT, Asked, Server, load, ready, serving, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

# Few, for they take long; how many is for whoever wants to know more.
SWAPS, KILLS = int(os.environ.get("SWAPS", "20")), int(os.environ.get("KILLS", "3"))
LOOK = 2 * POLL + 0.5  # seconds: two polling intervals, and what a busy machine adds
LOAD = LOOK + 10  # seconds: and a version is loaded
NO_TRIALS = {"canary": None, "shadow": None}
MOODS = {"raises": "raise ValueError", "sleeps": "import time; time.sleep(999)", "spins": "while True: pass"}


def versions(asked: list[Asked]) -> set[int]:
    """Return the versions that answered; of a batch there may be only one."""
    found = set()
    for answer in asked:
        rows = answer.body.get("predictions", [answer.body])
        (version,) = {row["model_version"] for row in rows}
        found.add(version)
    return found


def only_answers(asked: list[Asked]) -> bool:
    """Fail the test if a request failed."""
    failed = [answer for answer in asked if answer.status != 200]
    assert not failed, failed[:3]
    return bool(asked)


def test_no_request_fails_while_versions_are_exchanged(served: Served, server: Server) -> None:
    seen: list[int] = []
    with load(server, served.rows, 3, 1) as asked:
        for turn in range(SWAPS):
            seen.append(2 - turn % 2)
            served.move("production", seen[-1])
            until(lambda: server.versions()["production"] == seen[-1], f"version {seen[-1]}", server, LOAD)

    assert only_answers(asked)
    assert versions(asked) == {1, 2}
    assert len(asked) > 10 * SWAPS
    until(lambda: len(server.processes()) == 3, "only the version that is served has a process", server, 10)


def test_what_a_version_answers_is_its_own(served: Served, server: Server) -> None:
    """However often it was exchanged, with a canary and without."""
    alone = {1: served.expected[:30]}
    served.move("production", 2)
    until(lambda: server.versions()["production"] == 2, "version 2", server)
    alone[2] = [server.ask("/predict", row).body for row in served.rows[:30]]
    assert [row["probability"] for row in alone[1]] != [row["probability"] for row in alone[2]]

    with load(server, served.rows[:30], 3, 1) as asked:
        for percent in (50, 0, 30, 0, 70, 0):
            served.move("canary", 3 if percent else 0, percent)
            until(lambda: server.ask("/model").body["canary_percent"] == percent, "canary", server, LOAD)
            served.move("production", 1 if percent else 2)
            until(lambda: server.versions() == {"production": 1 if percent else 2} | NO_TRIALS, "none", server, LOAD)

    assert only_answers(asked)
    answers = [row for answer in asked for row in answer.body.get("predictions", [answer.body])]
    known = {version: {row["probability"] for row in rows} for version, rows in alone.items()} | {3: set()}
    known[3] = known[1]
    assert all(answer["probability"] in known[answer["model_version"]] for answer in answers)
    assert {answer["model_version"] for answer in answers} == {1, 2, 3}


def test_a_move_is_seen_within_two_polling_intervals(served: Served, server: Server) -> None:
    def seen(alias: str, version: int, seconds: float, percent: int = 0) -> None:
        served.move(alias, version, percent)
        took = until(lambda: server.versions()[alias] == (version or None), f"{alias} {version}", server, seconds)
        print(f"{alias} {version}: {took:.2f} s")

    seen("shadow", 2, LOAD)
    seen("shadow", 0, LOOK)
    seen("canary", 2, LOAD, 20)
    served.move("canary", 2, 40)
    until(lambda: server.ask("/model").body["canary_percent"] == 40, "40%", server, LOOK)
    seen("canary", 0, LOOK)
    seen("canary", 2, LOAD, 20)
    seen("production", 2, LOOK)  # it is loaded already
    assert server.versions() == {"production": 2} | NO_TRIALS
    served.registry("rollback")
    until(lambda: server.versions()["production"] == 1, "rolled back", server, LOAD)


@pytest.mark.parametrize(("version", "said"), [(4, "it does not load: RuntimeError: it cannot be loaded"),
                                               (5, "its files in MLflow are not those that were registered")])  # fmt: skip
def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving(
    served: Served, server: Server, version: int, said: str
) -> None:
    with load(server, served.rows) as asked:
        served.move("production", version)
        until(lambda: server.ask("/health/ready").body["problems"], "a problem", server)
    health = server.ask("/health/ready")

    assert only_answers(asked)
    assert versions(asked) == {1}
    assert health.status == 200
    assert health.body["problems"] == [f"version {version}: {said}; it is tried again"]
    assert server.ask("/model").body["problems"] == health.body["problems"]
    served.move("production", 1)
    until(lambda: not server.ask("/health/ready").body["problems"], "it is no problem any more", server)


def test_a_registry_that_does_not_answer_changes_nothing(served: Served, server: Server) -> None:
    with sqlite3.connect(served.project.path / "mlflow.db", isolation_level=None) as database:
        database.execute("BEGIN EXCLUSIVE")
        with load(server, served.rows) as asked:
            until(lambda: server.ask("/model").body["registry"] != "reachable", "it is unreachable", server)
            health = server.ask("/health/ready")
            count = len(asked)
            until(lambda: len(asked) > count + 50, "it goes on answering", server)
        database.execute("ROLLBACK")

    assert only_answers(asked)
    assert health.status == 200
    assert health.body["problems"][0].startswith("MLflow is unreachable: ")
    until(lambda: server.ask("/model").body["registry"] == "reachable", "it is reachable again", server)
    assert server.metric("registry_reachable") == 1


def test_without_a_registry_a_server_starts_with_what_was_served_last_and_stops_in_order(
    served: Served, server: Server, tmp_path
) -> None:
    with serving(served.project, tmp_path, MLFLOW_TRACKING_URI="http://127.0.0.1:9") as new:
        until(lambda: ready(new), "it is ready", new)
        for problems in (new.ask("/model").body["problems"], new.ask("/health/ready").body["problems"]):
            assert "MLflow is unreachable" in problems[0]
            assert "serving what was served last" in problems[0]
        found = new.ask("/predict", served.rows[0]).body
        assert (found["model_version"], found["probability"]) == (1, served.expected[0]["probability"])

        # In flight: many rows, and single ones that come in while it stops.
        with ThreadPoolExecutor() as pool, load(new, served.rows) as asked:
            until(lambda: len(asked) > 20, "load", new)
            many = [pool.submit(new.ask, "/predict/batch", {"records": served.rows * 5}, X_Request_ID=f"many-{place}")
                    for place in range(2)]  # fmt: skip
            first = {"many-0-0", "many-1-0"}
            until(
                lambda: len({line["request_id"] for line in new.lines()} & first) == 2, "they are being answered", new
            )
            processes = new.processes()
            new.process.send_signal(signal.SIGTERM)
            assert new.process.wait(20) == 0
            assert [len(answer.result().body["predictions"]) for answer in many] == [6920, 6920]
        assert {answer.status for answer in asked} <= {200, 0}
        assert sum(answer.status == 0 for answer in asked) <= 4, "a connection sees its end once"
        logged = {line["request_id"] for line in new.lines()}
        assert {answer.request_id for answer in asked if answer.status == 200} <= logged
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in processes), "its processes are gone", new, 5)
        assert "Traceback" not in "".join(new.printed)


def on(served: Served, server: Server, role: str, percent: int = 0) -> None:
    served.move(role, 3, percent)
    until(lambda: server.versions()[role] == 3, f"{role} is on", server)


@pytest.mark.parametrize("mood", MOODS)
def test_nobody_notices_a_shadow_that(served: Served, server: Server, mood: str) -> None:
    on(served, server, "shadow")

    def failed() -> float:
        return server.metric("prediction_errors_total", role="shadow") + server.metric("shadow_dropped_total")

    before = failed()
    with load(server, served.rows) as calm:
        time.sleep(1.5)
    served.mood.write_text(MOODS[mood])

    with load(server, served.rows, 4, 1) as asked:
        until(lambda: failed() > before, "it fails", server)
        time.sleep(1)
    assert only_answers([*calm, *asked])
    assert versions(asked) == {1}
    print(f"{mood}: slowest {max(a.seconds for a in calm):.3f} s, then {max(a.seconds for a in asked):.3f} s")
    assert max(answer.seconds for answer in asked) < TIMEOUT
    served.move("shadow", 0)
    until(lambda: server.versions()["shadow"] is None, "the shadow is off", server, LOOK)
    until(lambda: len(server.processes()) == 3, "its process is gone", server, 15)


def test_a_shadow_that_is_behind_is_not_asked_everything(served: Served, server: Server) -> None:
    on(served, server, "shadow")
    before, memory = server.metric("shadow_dropped_total"), server.megabytes()
    served.mood.write_text("import time; time.sleep(0.3)")

    answers = [server.ask("/predict/batch", {"records": served.rows * 5}) for _ in range(4)]

    assert only_answers(answers)
    assert max(answer.seconds for answer in answers) < 5
    assert server.metric("shadow_dropped_total") - before > 10_000
    assert server.megabytes() < memory + 100


def test_a_shadow_is_compared_with_production(served: Served, server: Server) -> None:
    served.move("shadow", 2)
    until(lambda: server.versions()["shadow"] == 2, "the shadow is on", server)
    asked = {f"pair-{place}": row for place, row in enumerate(served.rows[:300])}
    before = {name: server.metric(name) for name in ("shadow_disagreements_total", "shadow_score_difference_count")}

    for request_id, row in asked.items():
        assert server.ask("/predict", row, X_Request_ID=request_id).body["model_version"] == 1
    until(lambda: server.metric("shadow_score_difference_count") - before["shadow_score_difference_count"] == 300, "all",
          server)  # fmt: skip

    lines = [line for line in server.lines() if line["request_id"] in asked]
    labels = {role: {line["request_id"]: line["label"] for line in lines if line["role"] == role} for role in
              ("production", "shadow")}  # fmt: skip
    assert [len(found) for found in labels.values()] == [300, 300]
    differing = sum(labels["shadow"][name] != labels["production"][name] for name in asked)
    assert differing > 0
    assert server.metric("shadow_disagreements_total") - before["shadow_disagreements_total"] == differing


@pytest.mark.parametrize("mood", MOODS)
def test_production_answers_in_place_of_a_canary_that(served: Served, server: Server, mood: str) -> None:
    on(served, server, "canary", 50)
    before = server.metric("prediction_errors_total", role="canary")
    served.mood.write_text(MOODS[mood])

    with load(server, served.rows, 6, 1) as asked:
        time.sleep(3 * TIMEOUT)
        served.move("canary", 0)
        until(lambda: server.versions()["canary"] is None, "the canary is off", server, LOOK + 1)
    assert only_answers(asked)
    assert versions(asked) == {1}
    assert server.metric("prediction_errors_total", role="canary") > before
    print(f"{mood}: slowest {max(answer.seconds for answer in asked):.2f} s of {len(asked)}")
    assert max(answer.seconds for answer in asked) < 2 * TIMEOUT + 1
    until(lambda: len(server.processes()) == 3, "its process is gone", server, 15)


def test_a_canary_answers_its_share_and_always_the_same_rows(served: Served, server: Server) -> None:
    def mine(version: int) -> set[str]:
        served.move("canary", version, 20)
        until(lambda: server.versions()["canary"] == version, "the canary is on", server)
        answers = server.ask("/predict/batch", {"records": served.rows}).body["predictions"]
        again = [server.ask("/predict", row).body["model_version"] for row in served.rows[:60]]
        assert again == [answer["model_version"] for answer in answers[:60]]
        return {row["customer_id"] for row, answer in zip(served.rows, answers, strict=True)
                if answer["model_version"] == version}  # fmt: skip

    first, second = mine(2), mine(3)

    # Of 1,384 rows 277 are expected; a fair share lies without these bounds less than once in a million times (binomial).
    assert 205 < len(first) < 353
    assert 205 < len(second) < 353
    # And of the rows of one the other has a fifth too, not all.
    assert len(first & second) < 100
    arms = server.ask("/model").body["arms"]
    assert arms["canary"]["version"] == 3
    assert arms["canary"]["rows"] + arms["production"]["rows"] == len(served.rows) + 60


def test_a_version_whose_process_is_killed_gets_another(served: Served, server: Server) -> None:
    with load(server, served.rows, 4, 1) as asked:
        for _ in range(5):
            count = len(asked)
            os.kill(server.processes()[-1], signal.SIGKILL)
            until(lambda: len(asked) > count + 50, "it goes on", server)  # noqa: B023
            until(lambda: len(server.processes()) == 3, "a new process", server)

    assert only_answers(asked)


def test_what_was_answered_is_in_the_log_of_a_server_that_is_killed(served: Served, server: Server, tmp_path) -> None:
    started: list[Any] = []

    def begin(number: int) -> Any:
        one = serving(served.project, tmp_path / str(number))
        started.append(one)
        return one.__enter__()

    answered = lost = 0
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(begin, 0)
        for number in range(KILLS):
            new = following.result()
            until(lambda: ready(new), "it is ready", new)  # noqa: B023
            with load(new, served.rows, 4, 1) as asked:
                until(lambda: len(asked) > 100 + 17 * number, "load", new)  # noqa: B023
                processes = new.processes()
                new.process.kill()
            if number + 1 < KILLS:
                following = pool.submit(begin, number + 1)
            until(lambda: not any(alive(pid) for pid in processes), "its processes are gone", new, 5)  # noqa: B023
            logged = {line["request_id"]: line for line in new.lines()}
            for answer in asked:
                rows = answer.body.get("predictions", [answer.body]) if answer.status == 200 else []
                for row in rows:
                    line = logged[row["request_id"]]
                    assert {"request_id": line["request_id"], "model_version": line["version"], "label": line["label"],
                            "probability": line["probability"]} == row  # fmt: skip
                answered += len(rows)
                lost += answer.status == 0
            assert {answer.status for answer in asked} <= {200, 0}
    print(f"{KILLS} killed: {answered} rows answered and in the log, {lost} connections broken")
    for one in started:
        one.__exit__(None, None, None)


def alive(pid: int) -> bool:
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
