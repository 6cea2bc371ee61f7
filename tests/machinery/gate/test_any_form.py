"""Whatever form a file of a commit has, its readers answer or refuse it in one line: a valid file, with any node exchanged for another."""

import copy
import datetime
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core import git as git_module
from lifecycle.core.dvc_files import pipeline_of, stages_at
from lifecycle.core.errors import ProjectError
from lifecycle.gate import readable_files
from lifecycle.gate.applied_policy import applied_policy
from lifecycle.gate.baseline_rules import check_baselines, finite_figures
from lifecycle.gate.commit_metadata import dataset, json_mapping, lock_hash_of, slices_of
from lifecycle.gate.cost_rules import Costs, check_costs
from lifecycle.gate.group_checks import judge_groups
from lifecycle.gate.pull_request_comment import markdown
from lifecycle.gate.readable_files import refuse_unreadable, unreadable
from lifecycle.gate.rules import check_metrics, check_slices, refuse_unknown_metrics
from lifecycle.gate.staleness import stale_inputs
from lifecycle.gate.terminal import terminal
from lifecycle.resolve.conflicts import outputs_of
from lifecycle.resolve.data_versions import output
from lifecycle.retraining.dataset import md5_of

hypothesis = pytest.importorskip("hypothesis", reason="tests/test_machinery.py installs it")
st = hypothesis.strategies

TODAY = datetime.date(2026, 6, 15)
HUGE = 10**400
JUNK = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, HUGE, 1.5, float("nan"), float("inf"), "", "text", "../..", "2026-01-01", "\0"]
    ),
    lambda nested: (
        st.lists(nested, max_size=2) | st.dictionaries(st.sampled_from(["a", "path", "rows", "1"]), nested, max_size=2)
    ),
    max_leaves=4,
)
TEXTS = st.sampled_from(
    [
        "",
        "]",
        "null",
        "3",
        "<<<<<<< HEAD\n",
        "a: &x [*x]",
        "stages: &x {data: {params: {p: *x}}}",
        "[" * 1500,
        "\0",
        "a: !!set {b}",
    ]
)
LOCK = {
    "schema": "2.0",
    "stages": {
        "data": {
            "cmd": "python data.py",
            "deps": [{"path": "data/raw.csv", "hash": "md5", "md5": "d" * 32, "size": 3}],
            "params": {"params.yaml": {"data": {"id": "key", "target": "y"}, "seed": 1}},
            "outs": [{"path": "metrics", "hash": "md5", "md5": "e" * 32 + ".dir"}],
        },
        "evaluate": {"cmd": ["a", "b"], "outs": [{"path": "data/predictions/test.parquet", "md5": "f" * 32}]},
    },
}
PIPELINE = {
    "stages": {"data": {"cmd": "python data.py", "deps": ["data/raw.csv"], "outs": [{"metrics": {"cache": False}}]}}
}
POINTER = {"outs": [{"path": "raw.csv", "md5": "d" * 32, "size": 3, "remote": "shared"}]}
PARAMS = {
    "task": "binary",
    "package": "mine",
    "data": {"raw": "data/raw.csv", "id": "key", "target": "y", "positive": "yes"},
}
VALIDATION = {
    "file": "data/raw.csv",
    "rows": 10,
    "columns": 3,
    "passed": True,
    "checks": [{"column": "a", "passed": True}],
}
METRICS = {"roc_auc": 0.8, "log_loss": 0.4}
SLICES = {"contract": {"One year": {"rows": 200, "roc_auc": 0.8}, "Two years": {"rows": 300, "roc_auc": 0.7}}}
WEAK_SLICES = {
    "searched": {"rows": 900, "slices": 800},
    "slices": {"a=1 and b <= 2": {"rows": 60, "log_loss": 0.6, "excess": {"value": 0.2, "low": 0.1, "high": 0.3}}},
}
GATES = {
    "metrics": {"metrics/test.json": {"roc_auc": {"min": 0.5, "max_drop": 0.1}}},
    "beats": {"trivial": {"roc_auc": 0.1}},
    "slices": {"min_rows": 100, "metrics": {"roc_auc": {"min": 0.5}}},
    "weak_slices": {"min_rows": 50, "metrics": {"log_loss": {"max": 0.7}}},
    "fairness": {"min_rows": 100, "columns": {"contract": {"roc_auc": {"max_difference": 0.2, "min_ratio": 0.5}}}},
    "cost": {"report": True, "model_size": {"max_ratio": 1.5, "max_mb": 1}},
    "tolerance": 0.0001,
    "exceptions": [
        {"metric": "roc_auc", "slice": "contract", "min": 0.4, "reason": "r", "accepted_by": "a", "expires": "2026-07-01"},
        {"metric": "log_loss", "weak_slice": "a=1 and b <= 2", "max": 0.8, "reason": "r", "accepted_by": "a", "expires": "2026-07-01"},
        {"metric": "roc_auc", "fairness": "contract", "min_ratio": 0.4, "reason": "r", "accepted_by": "a", "expires": "2026-07-01"},
    ],
}  # fmt: skip
FILES = {
    "dvc.lock": LOCK,
    "dvc.yaml": PIPELINE,
    "data/raw.csv.dvc": POINTER,
    "params.yaml": PARAMS,
    "gates.yaml": GATES,
    "reports/validation.json": VALIDATION,
    "metrics/test.json": METRICS,
    "metrics/trivial.json": METRICS,
    "metrics/slices.json": SLICES,
    "metrics/weak_slices.json": WEAK_SLICES,
}
CONTENT = {
    "verdict": "pass",
    "reasons": [],
    "base": {"revision": "main", "commit": "a" * 40, "has_metrics": True},
    "branch": {"commit": "b" * 40, "behind": 0},
    "code": {"changed": True},
    "params": {},
    "date": str(TODAY),
    "paired_rows": 0,
    "pairing_note": "none",
    "policy": {"of": "base", "change": "", "later": []},
    "files_affecting_verdict": [],
}
SETTINGS = hypothesis.settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


def places(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where the nodes of a content are, the root first."""
    yield place
    for name, nested in (
        content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    ):
        yield from places(nested, (*place, name))


@st.composite
def spoiled(draw: Callable[..., Any], content: Any) -> str:
    """The text of a file in which a node is another, or is gone."""
    if draw(st.integers(0, 9)) == 0:
        return str(draw(TEXTS))
    place, changed = draw(st.sampled_from(list(places(content)))), copy.deepcopy(content)
    if not place:
        return json.dumps(draw(JUNK))
    parent = changed
    for step in place[:-1]:
        parent = parent[step]
    if draw(st.booleans()) or isinstance(parent, list):
        parent[place[-1]] = draw(JUNK)
    else:
        del parent[place[-1]]
    return written(changed)


def written(content: Any) -> str:
    """JSON, which is YAML too, with dates as YAML has them."""
    return json.dumps(content).replace('"2026-07-01"', "2026-07-01")


def read(name: str, text: str, commits: dict[str, dict[str, str]]) -> None:
    """Have every reader of a file read a text of it, as the base's and as the branch's. Only a ProjectError may leave one."""
    commits["other"][name] = text
    for reader in (
        lambda: judged("other", "valid"),
        lambda: judged("valid", "other"),
        lambda: refuse_unreadable("other"),
        lambda: lock_hash_of("other"),
        lambda: md5_of(commits["other"]["data/raw.csv.dvc"]),
        lambda: output(commits["other"]["data/raw.csv.dvc"], "raw.csv.dvc"),
        lambda: outputs_of(commits["other"]["dvc.lock"]),
        lambda: stale_inputs(stages_at("valid"), stages_at("other")),
        lambda: stale_inputs(stages_at("other"), stages_at("valid")),
        lambda: pipeline_of(commits["other"]["dvc.yaml"], "dvc.yaml"),
    ):
        with suppress(ProjectError):
            reader()


def judged(base: str, head: str) -> None:
    """What gate.py does with the files of two commits, but for DVC and git."""
    texts = {"base": git_module.files_at(base), "branch": git_module.files_at(head)}
    applied = applied_policy(base, head, TODAY)
    sides = {side: {name: content.decode() for name, content in files.items()} for side, files in texts.items()}
    test, trivial = "metrics/test.json", "metrics/trivial.json"
    old, new = (json_mapping(sides[side].get(test)) for side in ("base", "branch"))
    figures = {test: {name: {"old": old.get(name), "new": new.get(name)} for name in {**old, **new}}}
    slices = {side: slices_of(files.get("metrics/slices.json")) for side, files in sides.items()}
    baselines = {"trivial": json_mapping(sides["branch"].get(trivial))}
    for policy in (applied.policy, applied.branch):
        refuse_unknown_metrics(policy, figures, slices, "base")
        metrics = check_metrics(policy, figures, {}, TODAY)
        of_slices = check_slices(policy, slices["base"], slices["branch"], TODAY)
        weak = json_mapping(sides["branch"].get("metrics/weak_slices.json"))
        groups = judge_groups(policy, slices, weak, "base", TODAY)
        checks = check_baselines(policy, "binary", new, baselines)
        costs = check_costs(policy.cost, Costs({"model_size": 1e6}, {"model_size": 2e6}))
        data = {
            side: dataset(files.get("reports/validation.json"), commit)
            for (side, files), commit in zip(sides.items(), (base, head), strict=True)
        }
        content = CONTENT | {
            "data": data,
            "problem": applied.problem(),
            "metrics": [vars(result) for result in metrics],
            "slices": [vars(result) for result in of_slices],
            **groups.content(),
            "cost": [vars(result) for result in costs],
            "baselines": {"figures": finite_figures(baselines), "checks": [vars(result) for result in checks]},
        }
        terminal(content)
        markdown(content)
        json.dumps(content, allow_nan=False)


@pytest.mark.parametrize("name", FILES)
def test_every_reader_of_a_file_answers_or_refuses_it_in_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    valid = {path: written(content) for path, content in FILES.items()}
    commits = {"valid": valid, "other": dict(valid)}

    def files_at(commit: str, *paths: str, folder: Path = Path()) -> dict[str, bytes]:
        files = commits[commit]
        return {path: text.encode() for path, text in files.items() if not paths or path.startswith(paths)}

    monkeypatch.setattr(git_module, "files_at", files_at)
    monkeypatch.setattr(readable_files, "files_at", files_at)

    @SETTINGS
    @hypothesis.given(spoiled(FILES[name]))
    def try_one(text: str) -> None:
        read(name, text, commits)

    read(name, valid[name], commits)
    assert not unreadable("other", "the base")
    try_one()
