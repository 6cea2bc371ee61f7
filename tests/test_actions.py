"""What the workflows hand to the actions of others, held against those actions' own action.yml at the commits that are pinned.

tests/actions/inputs.json says what each takes and gives, and which file says so. After a move to another commit, write its entry anew.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from conftest import TEMPLATE, BakedProject
from runner import STAND_INS

KNOWN = json.loads((STAND_INS / "inputs.json").read_text())


class Step(NamedTuple):
    """A step that calls an action of somebody else."""

    where: str
    action: str
    commit: str
    version: str
    inputs: set[str]
    text: str
    """The job or action that it stands in, in which its outputs may be asked for."""
    name: str


def steps(root: Path) -> Iterator[Step]:
    for path in sorted((root / ".github").rglob("*.yml")):
        content = yaml.safe_load(path.read_text())
        versions = dict(re.findall(r"uses: (\S+@\w{40}) # (v\S+)", path.read_text()))
        for job in [*content.get("jobs", {}).values(), content.get("runs", {})]:
            for step in job.get("steps", []):
                action, at, commit = step.get("uses", "").partition("@")
                if at:
                    version = versions.get(step["uses"], "")
                    yield Step(
                        path.name, action, commit, version, set(step.get("with", {})), str(job), step.get("id", "")
                    )


def problem(step: Step, known: dict[str, Any]) -> str:
    """Say what is wrong with a step; nothing, if nothing is."""
    if step.action not in known:
        return "is not in tests/actions/inputs.json"
    action = known[step.action]
    if (step.commit, step.version) != (action["commit"], action["version"]):
        return f"is pinned to another commit than {action['commit']}, of {action['version']}"
    if action["using"] not in {"node24", "composite"}:
        return f"runs on {action['using']}, which GitHub takes away"
    if unknown := step.inputs - set(action["required"]) - set(action["optional"]):
        return f"takes no input {', '.join(sorted(unknown))}"
    if missing := set(action["required"]) - step.inputs:
        return f"needs the input {', '.join(sorted(missing))}"
    outputs = set(re.findall(rf"steps\.{step.name}\.outputs\.([\w-]+)", step.text)) if step.name else set()
    if unknown := outputs - set(action["outputs"]):
        return f"has no output {', '.join(sorted(unknown))}"
    return ""


@pytest.mark.parametrize("whose", ["generated", "ours"])
def test_every_action_gets_inputs_that_it_takes_at_the_commit_that_is_pinned(baked: BakedProject, whose: str) -> None:
    calls = list(steps(baked.path if whose == "generated" else TEMPLATE))

    assert calls
    assert [f"{step.where}: {step.action} {text}" for step in calls if (text := problem(step, KNOWN))] == []
    if whose == "generated":
        assert {step.action for step in calls} == set(KNOWN)  # nothing is kept that nobody calls


CACHE = "actions/cache/restore"
CALL = Step("w.yml", CACHE, KNOWN[CACHE]["commit"], "v5.0.5", {"path", "key"}, "${{ steps.c.outputs.cache-hit }}", "c")


@pytest.mark.parametrize(
    ("step", "known", "says"),
    [
        (CALL, {}, ""),
        (CALL._replace(action="actions/other"), {}, "is not in"),
        (CALL._replace(commit="0" * 40), {}, "is pinned to another commit"),
        (CALL._replace(version="v5.0.4"), {}, "is pinned to another commit"),
        (CALL, {"using": "node20"}, "runs on node20"),
        (CALL._replace(inputs={"path", "key", "keys"}), {}, "takes no input keys"),
        (CALL._replace(inputs={"path"}), {}, "needs the input key"),
        (CALL._replace(text="${{ steps.c.outputs.hit }}"), {}, "has no output hit"),
    ],
)
def test_what_an_action_does_not_know_is_noticed(step: Step, known: dict[str, Any], says: str) -> None:
    text = problem(step, {CACHE: KNOWN[CACHE] | known})

    assert text.startswith(says)
    assert bool(text) is bool(says)


@pytest.mark.parametrize("path", sorted(STAND_INS.rglob("action.yml")), ids=lambda path: str(path.parent.name))
def test_a_stand_in_takes_no_input_that_the_action_does_not(path: Path) -> None:
    stand_in = yaml.safe_load(path.read_text())
    action = KNOWN[f"actions/{path.parent.relative_to(STAND_INS)}"]

    assert set(stand_in.get("inputs", {})) <= {*action["required"], *action["optional"]}
    assert set(stand_in.get("outputs", {})) <= set(action["outputs"])
