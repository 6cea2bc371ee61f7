"""What a server answers, refuses and writes down: a real process on loopback, asked over HTTP."""

import math
import re
import resource
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from runner import TOOLS
from served import Served
from serving import Client, Server, load, serving, until

# One worker runs them all: they share a server.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

FIELDS = {"time", "version", "role", "request_id", "milliseconds", "inputs", "label", "probability"}
WRONG: dict[str, tuple[str, Any]] = {
    "wrong type": ("tenure", "twelve-months"),
    "number as text": ("tenure", "12"),
    "true for an integer": ("tenure", True),
    "fraction for an integer": ("tenure", 1.5),
    "out of range": ("tenure", 121),
    "huge integer": ("tenure", 10**400),
    "huge number": ("monthly_charges", 10**400),
    "not listed": ("female", 2),
    "unknown category": ("contract", "Three-year-xyz"),
    "null": ("monthly_charges", None),
    "NaN": ("total_charges", math.nan),
    "Infinity": ("total_charges", math.inf),
    "-Infinity": ("monthly_charges", -math.inf),
    "list": ("partner", [1]),
    "object": ("payment_method", {"a": {}}),
    "wrong pattern": ("customer_id", "secret-4711"),
    "extra column": ("surname", "secret-4711"),
    "target": ("churn", "Yes"),
}  # fmt: skip
# HTTP allows any header; and what is too large is not looked at.
SCHEMATHESIS = """
[generation]
allow-extra-parameters = false
[checks.negative_data_rejection]
expected-statuses = [400, 404, 405, 409, 413, 415, 422]
"""
numbers = count()


def unique() -> str:
    """Return an id that no other request has, to find it in the log."""
    return f"test-{next(numbers)}"


def logged(server: Server, *request_ids: str) -> list[dict[str, Any]]:
    return [line for line in server.lines() if line["request_id"] in request_ids]


def test_every_test_row_is_answered_as_evaluate_predicted_it(served: Served, server: Server) -> None:
    wanted = [item | {"model_version": 1} for item in served.expected]

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
        assert plain(answers) == wanted[part::6]
    assert plain(batch) == wanted
    assert plain(alone) == wanted[:20]
    ids = [answer["request_id"] for answer in [*sum(singles, []), *batch, *alone]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("name", "value"), WRONG.values(), ids=WRONG)
def test_what_breaks_the_contract_is_refused_by_name(served: Served, server: Server, name: str, value: Any) -> None:
    request_id, row = unique(), served.rows[0] | {name: value}

    single = server.ask("/predict", row, X_Request_ID=request_id)
    batch = server.ask("/predict/batch", {"records": [served.rows[1], row]}, X_Request_ID=request_id)

    assert (single.status, batch.status) == (422, 422)
    assert single.body["detail"][0]["loc"][:2] == ["body", name]
    assert batch.body["detail"][0]["loc"][:4] == ["body", "records", "1", name]
    for said in (str(single.body), str(batch.body), "".join(server.printed)):
        assert "Traceback" not in said
        assert "twelve-months" not in said
        assert "xyz" not in said
        assert "4711" not in said
    assert not logged(server, request_id, f"{request_id}-0", f"{request_id}-1")


def test_a_missing_column_is_refused_by_name_and_a_missing_id_is_not(served: Served, server: Server) -> None:
    without = {name: value for name, value in served.rows[0].items() if name != "tenure"}
    nameless = {name: value for name, value in served.rows[0].items() if name != "customer_id"}

    refused = server.ask("/predict", without)

    assert refused.status == 422
    assert refused.body["detail"] == [{"loc": ["body", "tenure"], "msg": "Field required", "type": "missing"}]
    assert server.ask("/predict", nameless).body["probability"] == served.expected[0]["probability"]


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


def raw(server: Server, head: str, body: bytes = b"", seconds: float = 30) -> bytes:
    """Return what comes back until the server closes the connection, or nothing has come for so long."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        found = b""
        while b"\r\n\r\n" not in found and (more := connection.recv(65536)):
            found += more
    return found


def test_what_is_no_proper_request_is_a_clear_4xx(served: Served, server: Server) -> None:
    row, many = served.rows[0], {"records": served.rows[:1] * 10_001}
    chunk = b"%x\r\n%s\r\n" % (2**20, b" " * 2**20)
    post = "POST /predict HTTP/1.1\nHost: x\nContent-Type: application/json\n"
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(raw, server, post + "Content-Length: 100", b'{"tenure":')
        status = {
            "too long": server.ask("/feedback", b" " * 10_100_000).status,
            "too deep": server.ask("/predict", b"[" * 100_000).status,
            "too deep, within": server.ask("/predict", b'{"tenure":' + b"[" * 100_000 + b"]" * 100_000 + b"}").status,
            "feedback too deep": server.ask("/feedback", b"[" * 100_000 + b"]" * 100_000).status,
            "feedback is NaN": server.ask("/feedback", b'{"request_id": NaN, "label": "Yes"}').status,
            "half a character": server.ask("/predict", b'{"\\ud800": 1}').status,
            "no UTF-8": server.ask("/predict", b'{"\xff": 1}').status,
            "not JSON": server.ask("/predict", b"tenure=1").status,
            "empty": server.ask("/predict", b"").status,
            "wrong content type": server.ask("/predict", row, Content_Type="text/csv").status,
            "too many rows": server.ask("/predict/batch", many).status,
            "no rows": server.ask("/predict/batch", {"records": []}).status,
            "bad id": server.ask("/predict", row, X_Request_ID='a"b').status,
            "long id": server.ask("/predict", row, X_Request_ID="a" * 65).status,
            "bad version": server.ask("/predict", row, X_Model_Version="1.0").status,
            "version that is not served": server.ask("/predict", row, X_Model_Version="9").status,
            "unknown path": server.ask("/predicts", row).status,
            "wrong method": server.ask("/predict").status,
        }
        chunked = raw(server, post + "Transfer-Encoding: chunked", chunk * 11)
        assert status == {
            "too long": 413,
            "too deep": 422,
            "too deep, within": 422,
            "feedback too deep": 400,
            "feedback is NaN": 422,
            "half a character": 422,
            "no UTF-8": 422,
            "not JSON": 422,
            "empty": 422,
            "wrong content type": 415,
            "too many rows": 422,
            "no rows": 422,
            "bad id": 422,
            "long id": 422,
            "bad version": 422,
            "version that is not served": 409,
            "unknown path": 404,
            "wrong method": 405,
        }
        assert b" 413 " in chunked.splitlines()[0]
        assert b" 408 " in slow.result(30).splitlines()[0]
    assert server.ask("/predict", row).status == 200
    assert "Traceback" not in "".join(server.printed)


def test_openapi_describes_what_is_answered(served: Served, server: Server, tmp_path) -> None:
    """Schemathesis makes requests that fit the description, and such that do not; the answers have to fit it, too."""
    example = server.ask("/openapi.json").body["components"]["schemas"]["Record"]["examples"][0]
    assert server.ask("/predict", example).status == 200
    before = server.megabytes()

    (tmp_path / "schemathesis.toml").write_text(SCHEMATHESIS)
    command = [TOOLS / "schemathesis", "run", f"http://127.0.0.1:{server.port}/openapi.json", "--max-examples=60",
               "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
               "negative_data_rejection", "--mode=all", "--generation-deterministic", "--phases=examples,coverage,fuzzing",
               "--request-timeout=20", "--no-color", "--suppress-health-check=all"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)

    assert done.returncode == 0, done.stdout[-6000:]
    assert int(re.findall(r"(\d+) generated", done.stdout)[0]) > 300
    assert server.ask("/predict", example).status == 200
    assert server.megabytes() < before + 60
    assert "Traceback" not in "".join(server.printed)


def test_beyond_this_machine_only_with_a_token(served: Served) -> None:
    done = served.project.run("telco-churn serve --host 0.0.0.0 --port 0", check=False, PYTHONPATH="src")

    assert done.returncode == 2
    assert re.fullmatch(r"error: --host 0\.0\.0\.0 lets others in, .*SERVING_TOKEN.*\n", done.stderr)


def test_with_a_token_only_those_who_know_it_are_answered_and_the_first_version_is_picked_up(
    served: Served, server: Server, tmp_path
) -> None:
    served.move("staging", 0)
    token = {"Authorization": "Bearer swordfish"}
    with serving(served.project, tmp_path, "--host", "0.0.0.0", "--alias", "staging", SERVING_TOKEN="swordfish") as new:
        row = served.rows[0]
        for path, content in (("/predict", row), ("/predict/batch", {"records": [row]}), ("/model", None), ("/docs", None),
                              ("/openapi.json", None), ("/metrics", None), ("/nowhere", None)):  # fmt: skip
            for wrong in ({}, {"Authorization": "Bearer swordfis"}, {"Authorization": "swordfish"}):
                assert new.ask(path, content, **wrong).status == 401
        assert new.ask("/health/live").status == 200
        until(lambda: new.ask("/model", **token).body["registry"] == "reachable", "it asks the registry", new)
        waiting = new.ask("/health/ready")
        assert (waiting.status, waiting.body) == (503, {"detail": "no model is loaded yet"})
        refused = new.ask("/predict", row, **token)
        assert (refused.status, refused.body) == (503, {"detail": "no version is staging, or none is loaded yet"})

        served.move("staging", 2)

        until(lambda: new.ask("/health/ready").status == 200, "it picks the first version up", new)
        assert new.ask("/predict", row, **token).body["model_version"] == 2


def test_a_row_that_the_model_cannot_answer_fails_alone(served: Served, server: Server) -> None:
    served.mood.write_text("if (frame['tenure'] == 77).any(): raise ValueError('secret-4711')")
    served.move("production", 3)
    until(lambda: server.versions()["production"] == 3, "version 3", server)
    good = [row for row in served.rows if row["tenure"] != 77]

    with load(server, good, 6, 1) as asked:
        until(lambda: len(asked) > 20, "load", server)
        bad = [server.ask("/predict", good[0] | {"tenure": 77}) for _ in range(20)]
        bad.append(server.ask("/predict/batch", {"records": [good[0], good[0] | {"tenure": 77}]}))

    assert {(answer.status, answer.body["detail"]) for answer in bad} == {(500, "the model cannot answer this")}
    assert {answer.status for answer in asked} == {200}
    assert len(asked) > 100
    assert server.metric("prediction_errors_total", version="3") == 22
    assert "4711" not in "".join(server.printed)
