"""Whose gates.yaml counts: the base's, or the branch's where the two cannot be compared."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core import git
from lifecycle.core.errors import ConfigError
from lifecycle.gate import readable_files
from lifecycle.gate.applied_policy import AppliedPolicy, applied_policy
from lifecycle.gate.readable_files import refuse_unreadable

TODAY = datetime.date(2026, 6, 15)
PARAMS = "task: binary\ndata: {id: key, target: churn, positive: Yes}\n"
OTHER = "task: regression\ndata: {id: key, target: price}\n"
ALLOWED = "new_problem: {reason: our own table, accepted_by: Ada}\n"
METRICS = json.dumps({"roc_auc": 0.8})
HUGE = json.dumps({"roc_auc": 10**400})
CONFLICT = "{\n<<<<<<< HEAD\n=======\n>>>>>>> other\n"


def gates(least: float, more: str = "") -> str:
    return f"metrics: {{metrics/test.json: {{roc_auc: {{min: {least}}}}}}}\ntolerance: 0.0\nexceptions: []\n{more}"


def applied(monkeypatch: pytest.MonkeyPatch, base: dict[str, Any], head: dict[str, Any]) -> AppliedPolicy:
    files = {
        "base": {"gates.yaml": gates(0.8), "params.yaml": PARAMS, "metrics/test.json": METRICS} | base,
        "head": {"gates.yaml": gates(0.1), "params.yaml": PARAMS} | head,
    }

    commits(monkeypatch, files)
    return applied_policy("base", "head", TODAY)


def commits(monkeypatch: pytest.MonkeyPatch, files: dict[str, Any]) -> None:
    """Let git have these commits: commit → name of a file → its text."""

    def files_at(commit: str, *paths: str, folder: Path = Path()) -> dict[str, bytes]:
        return {
            name: text.encode() for name, text in files[commit].items() if text is not None and name.startswith(paths)
        }

    monkeypatch.setattr(git, "files_at", files_at)
    monkeypatch.setattr(readable_files, "files_at", files_at)
    monkeypatch.setattr(readable_files, "refuse_links", lambda _: None)


def least(policy: Any) -> float:
    return float(policy.metrics["metrics/test.json"]["roc_auc"].min)


def test_the_bases_policy_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    result = applied(monkeypatch, {}, {})

    assert (least(result.policy), least(result.branch), result.of_branch) == (0.8, 0.1, False)
    assert "+metrics" in result.diff


def test_another_split_is_another_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    base, head = (f"{PARAMS}split: {{validation: 0.1, test: {share}}}\n" for share in (0.2, 0.3))

    result = applied(monkeypatch, {"params.yaml": base}, {"params.yaml": head})

    assert result.exchanged == ["split.test was 0.2, is 0.3"]
    assert result.refusal == "gates.yaml of the base has no new_problem"


def test_all_that_a_policy_is_about_has_to_be_in_git(monkeypatch: pytest.MonkeyPatch) -> None:
    of_slices = "slices: {min_rows: 1, metrics: {roc_auc: {min: 0.1}}}\n"
    baselines = {"metrics/trivial.json", "metrics/linear.json"}

    for more, files in (
        ("", set()),
        (of_slices, {"metrics/slices.json"}),
        ("weak_" + of_slices, {"metrics/weak_slices.json"}),
    ):
        result = applied(monkeypatch, {"gates.yaml": gates(0.8, more)}, {})

        assert {*map(str, result.judged_files)} == {"metrics/test.json", *baselines, *files}


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ({"gates.yaml": None}, "the base has no gates.yaml"),
        ({"metrics/test.json": None}, "the base has no metrics"),
        ({"metrics/test.json": "{}"}, "the base has no metrics"),
        ({"metrics/test.json": None, "params.yaml": OTHER}, "the base has no metrics"),
    ],
)
def test_a_first_model_is_judged_by_its_own_limits_and_needs_no_permission(
    monkeypatch: pytest.MonkeyPatch, base: dict[str, Any], why: str
) -> None:
    result = applied(monkeypatch, base, {})

    assert (least(result.policy), result.why_branch, result.refusal) == (0.1, why, "")


@pytest.mark.parametrize(
    ("params", "exchanged"),
    [
        (OTHER, ["task was binary, is regression", "data.target was churn, is price"]),
        (PARAMS.replace("churn", "left"), ["data.target was churn, is left"]),
        (PARAMS.replace("Yes", "No"), ["data.positive was Yes, is No"]),
        (PARAMS.replace("key", "number"), ["data.id was key, is number"]),
        (PARAMS + "seed: 3\n", []),
    ],
)
def test_another_problem_is_judged_by_its_own_limits_if_the_base_allows_it(
    monkeypatch: pytest.MonkeyPatch, params: str, exchanged: list[str]
) -> None:
    result = applied(monkeypatch, {"gates.yaml": gates(0.8, ALLOWED)}, {"params.yaml": params})

    assert result.exchanged == exchanged
    assert least(result.policy) == (0.1 if exchanged else 0.8)
    assert result.refusal == ""
    assert result.permission == ("our own table (accepted by Ada)" if exchanged else "")
    assert result.problem()["approve"] == (["roc_auc ≥ 0.1"] if exchanged else [])


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ("", "gates.yaml of the base has no new_problem"),
        (
            ALLOWED.replace("}", ", expires: 2026-06-14}"),
            "new_problem in gates.yaml of the base ended on 2026-06-14",
        ),
        (ALLOWED.replace("}", ", expires: 2026-06-15}"), ""),
    ],
)
def test_another_problem_that_the_base_does_not_allow_is_refused(
    monkeypatch: pytest.MonkeyPatch, more: str, refusal: str
) -> None:
    allowed_by_itself = {"params.yaml": OTHER, "gates.yaml": gates(0.1, ALLOWED)}

    result = applied(monkeypatch, {"gates.yaml": gates(0.8, more)}, allowed_by_itself)

    assert result.refusal == refusal


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"params.yaml": "{{: ["}, "params.yaml of the base: not valid YAML: "),
        ({"params.yaml": "data: 3"}, "params.yaml of the base: task, data.id or data.target is missing"),
        (
            {"params.yaml": "task: binary\ndata: {id: key}\n"},
            "params.yaml of the base: task, data.id or data.target is",
        ),
        ({"dvc.lock": CONFLICT}, "dvc.lock of the base: line 2 is a conflict marker of git's: restore it from"),
        ({"dvc.lock": "stages:"}, "dvc.lock of the base: stages is null, must be a mapping: restore it"),
        ({"dvc.yaml": "stages: []"}, "dvc.yaml of the base: stages is a list, must be a mapping: correct it"),
        ({"metrics/test.json": CONFLICT}, "metrics/test.json of the base: line 2 is a conflict marker of git's"),
        (
            {"metrics/test.json": "[]"},
            "metrics/test.json of the base: expected a mapping of names to values, found list",
        ),
        ({"metrics/test.json": HUGE}, "metrics/test.json of the base: roc_auc is too large a number: correct it"),
    ],
)
def test_of_a_base_that_cannot_be_read_only_the_absolute_limits_count_and_no_permission_is_needed(
    monkeypatch: pytest.MonkeyPatch, broken: dict[str, Any], says: str
) -> None:
    result = applied(monkeypatch, broken, {})

    assert (result.broken, len(result.exchanged), result.refusal) == (True, 1, "")
    assert result.exchanged[0].startswith(says)
    assert least(result.policy) == 0.8
    assert not result.of_branch


@pytest.mark.parametrize("gates", ["]", CONFLICT, "metrics: 3"])
def test_a_base_whose_policy_cannot_be_read_is_judged_by_the_branchs_own(
    monkeypatch: pytest.MonkeyPatch, gates: str
) -> None:
    result = applied(monkeypatch, {"gates.yaml": gates}, {})

    assert (result.broken, result.refusal, result.why_branch) == (True, "", "the base's cannot be read")
    assert result.exchanged[0].startswith("gates.yaml of the base: ")
    assert least(result.policy) == 0.1


@pytest.mark.parametrize("name", ["dvc.lock", "dvc.yaml"])
def test_a_branch_that_cannot_be_read_has_no_verdict(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    commits(monkeypatch, {"head": {name: CONFLICT}})

    with pytest.raises(ConfigError, match=f"{name} of the branch: line 2 is a conflict marker"):
        refuse_unreadable("head")


@pytest.mark.parametrize("name", ["params.yaml", "environment.yaml"])
def test_a_branch_whose_aliases_dvc_would_write_out_for_ever_has_no_verdict(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    lines = ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))]
    commits(monkeypatch, {"head": {name: "\n".join(lines)}})

    with pytest.raises(ConfigError, match=f"^{name} of the branch: aliases of aliases"):
        refuse_unreadable("head")


def test_a_branch_with_a_number_that_dvc_cannot_compute_with_has_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    commits(monkeypatch, {"head": {"metrics/more.json": HUGE}})

    with pytest.raises(ConfigError, match=r"metrics/more\.json of the branch: roc_auc is too large a number"):
        refuse_unreadable("head")


def test_of_a_base_no_file_without_limits_counts_as_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not applied(monkeypatch, {"metrics/train.json": CONFLICT}, {}).broken


def test_a_branch_without_a_policy_has_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"gates\.yaml is missing from the commit"):
        applied(monkeypatch, {}, {"gates.yaml": None})
