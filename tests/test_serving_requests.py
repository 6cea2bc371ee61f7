"""What a server refuses: who may not ask, and what is no proper request."""

import math
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from runner import TOOLS
from served import Served
from serving import Server, logged, raw, serving, unique, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

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


@pytest.mark.parametrize(("name", "value"), WRONG.values(), ids=WRONG)
def test_what_breaks_the_contract_is_refused_by_name(served: Served, server: Server, name: str, value: Any) -> None:
    request_id, row = unique(), served.rows[0] | {name: value}

    single = server.ask("/predict", row, X_Request_ID=request_id)
    batch = server.ask("/predict/batch", {"records": [served.rows[1], row]}, X_Request_ID=request_id)

    assert (single.status, batch.status) == (422, 422)
    for answer, place in ((single, ["body"]), (batch, ["body", "records", "1"])):
        first = answer.body["detail"][0]
        assert first["loc"] == [*place, name] or (first["loc"] == place and name in first["msg"])
    for text in (str(single.body), str(batch.body), "".join(server.printed)):
        assert "Traceback" not in text
        assert "twelve-months" not in text
        assert "xyz" not in text
        assert "4711" not in text
    assert not logged(server, request_id, f"{request_id}-0", f"{request_id}-1")


def test_much_that_is_wrong_is_a_short_answer_soon(served: Served, server: Server) -> None:
    unknown = {f"unknown-{number}": number for number in range(100_000)}

    for path, content in (("/predict", served.rows[0] | unknown), ("/predict/batch", {"records": [{}] * 5000})):
        answer = server.ask(path, content)

        assert answer.status == 422
        assert len(str(answer.body)) < 10_000
        assert answer.seconds < 5  # a few tenths, on a machine that has nothing else to do


def test_a_missing_column_is_refused_by_name_and_a_missing_id_is_not(served: Served, server: Server) -> None:
    without = {name: value for name, value in served.rows[0].items() if name != "tenure"}
    nameless = {name: value for name, value in served.rows[0].items() if name != "customer_id"}

    refused = server.ask("/predict", without)

    assert refused.status == 422
    assert refused.body["detail"] == [{"loc": ["body", "tenure"], "msg": "Field required", "type": "missing"}]
    assert server.ask("/predict", nameless).body["probability"] == served.expected[0]["probability"]


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


def test_openapi_describes_what_is_answered(served: Served, server: Server, tmp_path: Path) -> None:
    """Schemathesis makes requests that fit the description, and such that do not; the answers have to fit it, too."""
    example = server.ask("/openapi.json").body["components"]["schemas"]["Record"]["examples"][0]
    assert server.ask("/predict", example).status == 200
    before = server.megabytes()

    (tmp_path / "schemathesis.toml").write_text(SCHEMATHESIS)
    command = [TOOLS / "schemathesis", "run", f"http://127.0.0.1:{server.port}/openapi.json", "--max-examples=30",
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
    assert re.fullmatch(
        r"error: --host 0\.0\.0\.0 can be reached from other machines, .*SERVING_TOKEN.*\n", done.stderr
    )


def test_with_a_token_only_those_who_know_it_are_answered_and_the_first_version_is_picked_up(
    served: Served, server: Server, tmp_path: Path
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
        assert (waiting.status, waiting.body) == (503, {"detail": "no version has the alias staging"})
        refused = new.ask("/predict", row, **token)
        assert (refused.status, refused.body) == (
            503,
            {"detail": "no version has the alias staging, or it is not loaded yet"},
        )

        served.move("staging", 2)

        until(lambda: new.ask("/health/ready").status == 200, "it picks the first version up", new)
        assert new.ask("/predict", row, **token).body["model_version"] == 2
