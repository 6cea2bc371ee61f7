"""What a server answers and writes down: a real process on loopback, over HTTP."""

import itertools
import resource
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from served import Served
from serving import (
    Client,
    Server,
    load,
    logged,
    only_answers,
    unique,
    until,
)

# One worker runs them all, in the files beside this one as well: they share a server.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

FIELDS = {"time", "version", "role", "request_id", "milliseconds", "inputs", "label", "probability"}


def test_every_test_row_is_answered_as_evaluate_predicted_it(served: Served, server: Server) -> None:
    expected = [item | {"model_version": 1} for item in served.expected]

    def ask(part: int) -> list[dict[str, Any]]:
        client = Client(server.port)
        return [client.ask("/predict", row).body for row in served.rows[part::6]]

    with ThreadPoolExecutor(6) as pool:
        singles = list(pool.map(ask, range(6)))
    batch = server.ask("/predict/batch", {"records": served.rows}).body["predictions"]
    alone = [server.ask("/predict", row).body for row in served.rows[:20]]

    def plain(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in answer.items() if name != "request_id"} for answer in answers]

    for part, answers in enumerate(singles):
        assert plain(answers) == expected[part::6]
    assert plain(batch) == expected
    assert plain(alone) == expected[:20]
    ids = [answer["request_id"] for answer in [*itertools.chain(*singles), *batch, *alone]]
    assert len(set(ids)) == len(ids)


def test_every_answer_is_a_line_in_the_log(served: Served, server: Server) -> None:
    request_id = unique()

    answer = server.ask("/predict", served.rows[0], X_Request_ID=request_id)

    (line,) = logged(server, request_id)
    assert line.keys() == FIELDS
    assert answer.body == {"request_id": request_id, "model_version": 1} | served.expected[0]
    assert {name: line[name] for name in ("role", "version", "inputs")} == {
        "role": "production",
        "version": 1,
        "inputs": served.rows[0],
    }
    assert {name: line[name] for name in ("label", "probability")} == served.expected[0]


def test_feedback_is_written_and_a_wrong_label_is_refused(server: Server) -> None:
    request_id = unique()

    good = server.ask("/feedback", {"request_id": request_id, "label": "Yes"})
    wrong = [server.ask("/feedback", {"request_id": request_id, "label": label}) for label in ("maybe", 1, None)]

    assert good.status == 204
    assert [answer.status for answer in wrong] == [422, 422, 422]
    assert {answer.body["detail"][0]["loc"][-1] for answer in wrong} == {"label"}
    (line,) = [line for line in server.lines("feedback.jsonl") if line["request_id"] == request_id]
    assert line.keys() == {"time", "request_id", "label"}


def test_nothing_is_answered_while_the_log_cannot_be_written(served: Served, server: Server) -> None:
    """A full disk, as far as the server can tell: its files may not grow beyond a hundred bytes more."""
    ids = [unique() for _ in range(3)]
    assert server.ask("/predict", served.rows[0], X_Request_ID=ids[0]).status == 200
    size = max(path.stat().st_size for path in server.log.rglob("*.jsonl"))
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    try:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size + 100, limits[1]))
        refused = server.ask("/predict", served.rows[1], X_Request_ID=ids[1])
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)

    assert refused.status == 503
    assert "cannot be written" in refused.body["detail"]
    assert server.ask("/predict", served.rows[2], X_Request_ID=ids[2]).status == 200
    assert [line["request_id"] for line in logged(server, *ids)] == [ids[0], ids[2]]


def test_a_log_that_was_taken_away_is_begun_anew(served: Served, server: Server) -> None:
    request_id = unique()
    assert server.ask("/predict", served.rows[0]).status == 200
    for path in server.log.rglob("*.jsonl"):
        path.unlink()

    assert server.ask("/predict", served.rows[0], X_Request_ID=request_id).status == 200

    assert len(logged(server, request_id)) == 1


def test_a_day_is_compacted_and_a_request_forgotten_while_the_server_writes(served: Served, server: Server) -> None:
    """The commands are those that an operator types; the day that is over is made of what the server has written until now."""
    kept, gone, command = unique(), unique(), f"telco-churn {{}} --log {server.log}"
    for request_id in (kept, gone):
        assert server.ask("/predict", served.rows[0], X_Request_ID=request_id).status == 200
        assert server.ask("/feedback", {"request_id": request_id, "label": "Yes"}).status == 204
    past = server.log / "2026-01-31"
    for path in sorted(server.log.glob("*/*.jsonl")):
        past.mkdir(exist_ok=True)
        shutil.move(shutil.copy(path, server.log / "copy"), past / path.name)
        path.unlink()
    try:
        with load(server, served.rows) as replies:
            compacted = served.project.run(command.format("log compact")).stdout
            forgotten = served.project.run(command.format(f"forget {gone}")).stdout
        explained = served.project.run(command.format(f"explain-answer {kept}")).stdout
        missed = served.project.run(command.format(f"explain-answer {gone}"), check=False)
        names = [path.name for path in past.iterdir()]
    finally:
        shutil.rmtree(past)

    assert "are in Parquet now" in compacted
    assert names
    assert all(name.endswith(".parquet") for name in names)
    assert f"{server.log}: 1 answer, 1 label and 0 refusals removed" in forgotten
    assert f"request {kept}" in explained
    assert (missed.returncode, missed.stderr.count("\n")) == (1, 1)
    assert only_answers(replies)
    assert len(logged(server, *(answer.request_id for answer in replies))) == len(replies)


def test_a_server_does_not_start_if_a_column_is_to_be_hashed_without_a_key(served: Served) -> None:
    served.project.replace("contract.yaml", "  tenure:\n", "  tenure:\n    metadata: {log: hash}\n")
    try:
        done = served.project.run("telco-churn serve --port 0", check=False)
    finally:
        served.project.replace("contract.yaml", "    metadata: {log: hash}\n", "")

    *_, line = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith(
        "error: column tenure is hashed in the prediction log, which needs a key: set SERVING_LOG_KEY"
    )
    assert "Traceback" not in done.stderr


def test_a_row_that_the_model_cannot_answer_fails_alone(served: Served, server: Server) -> None:
    served.mood.write_text("if (frame['tenure'] == 77).any(): raise ValueError('secret-4711')")
    served.move("production", 3)
    until(lambda: server.versions()["production"] == 3, "version 3", server)
    good = [row for row in served.rows if row["tenure"] != 77]

    before = server.metric("prediction_errors_total", version="3")
    with load(server, good, 6, 1) as replies:
        until(lambda: len(replies) > 20, "load", server)
        bad = [server.ask("/predict", good[0] | {"tenure": 77}) for _ in range(20)]
        bad.append(server.ask("/predict/batch", {"records": [good[0], good[0] | {"tenure": 77}]}))

    assert {(answer.status, answer.body["detail"]) for answer in bad} == {(500, "the model failed on this request")}
    assert {answer.status for answer in replies} == {200}
    assert len(replies) > 100
    assert server.metric("prediction_errors_total", version="3") - before == 22
    assert "4711" not in "".join(server.printed)
