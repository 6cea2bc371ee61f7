"""Write the workflows of a project in a subfolder of a larger repository where GitHub reads them: at the root of the repository.

    python scripts/root_workflows.py

Each one runs in the project's folder. What a repository has once gets the name of the folder before its own: files, workflows, the check
`verdict`, caches, concurrency groups, environments and variables (SCORING_MLFLOW_TRACKING_URI), and the ruleset. Secrets are shared.
Workflows that run on pushes to main run on those to the repository's default branch, if that is another; this holds for a project that is
all of its repository as well.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from lifecycle.core.errors import one_line
from lifecycle.core.git import git, project_folder, unique_name
from lifecycle.gate.base_commit import default_branch

WORKFLOWS, RULESET = Path(".github/workflows"), Path(".github/rulesets/main.json")
NOT_HERE = {"template-update.yml"}  # `make template-update` refuses such a project
EVENTS_WITH_PATHS = ("push", "pull_request", "pull_request_target")


def moved(text: str, folder: str, names: set[str]) -> Any:
    """Return a workflow, as it is written in the project, as it has to be at the root of the repository.

    Args:
        text: of the workflow.
        folder: of the project in the repository, such as services/scoring.
        names: of the project's workflows.
    """
    workflow = yaml().load(text)
    variables = {name: f"{_prefix(folder)}{name}" for name in re.findall(r"\bvars\.(\w+)", text)}
    _change_texts(workflow, lambda value: _renamed(value, folder, variables))
    workflow["name"] = unique_name(workflow["name"])
    _move_triggers(workflow["on"], folder, names)
    _make_group_unique(workflow)
    for job in workflow["jobs"].values():
        _make_group_unique(job)
        environment = job.get("environment")
        if isinstance(environment, dict):
            environment["name"] = unique_name(environment["name"])
        elif environment:
            job["environment"] = unique_name(environment)
        _move_steps(job["steps"], folder)
    return workflow


def yaml() -> YAML:
    """Return a reader and writer that keeps comments and quotes."""
    parser = YAML()
    parser.preserve_quotes = True
    parser.width = 4096
    parser.indent(mapping=2, sequence=4, offset=2)
    return parser


def _move_triggers(events: Any, folder: str, names: set[str]) -> None:
    for event in EVENTS_WITH_PATHS:
        for key in ("paths", "paths-ignore"):
            paths = (events.get(event) or {}).get(key, [])
            paths[:] = [re.sub("^(!?)", rf"\g<1>{folder}/", path) for path in paths]
    after = (events.get("workflow_run") or {}).get("workflows", [])
    after[:] = [unique_name(name) if name in names else name for name in after]


def _make_group_unique(owner: Any) -> None:
    """A group that begins with the name of the workflow is unique already."""
    concurrency = owner.get("concurrency")
    if isinstance(concurrency, str):
        owner["concurrency"] = concurrency = {"group": concurrency}
    if concurrency and "github.workflow" not in concurrency["group"]:
        concurrency["group"] = unique_name(concurrency["group"])


def _move_steps(steps: Any, folder: str) -> None:
    """Run the steps after the checkout in the project's folder: before it, there is none."""
    checked_out = False
    for step in steps:
        inputs = step.get("with", {})
        if step.get("uses", "").startswith("actions/checkout@"):
            checked_out = True
        elif step.get("uses", "").startswith("./"):
            step["uses"] = f"./{folder}/{step['uses'].removeprefix('./')}"
            step["with"] = {**inputs, "folder": folder}
        elif "run" in step and checked_out:
            place = str(Path(folder, step.pop("working-directory", ".")))
            step.insert(list(step).index("run"), "working-directory", place)
        if "path" in inputs:
            _change_lines(
                inputs, "path", lambda line: line if line[0] in "~/$" else re.sub("^(!?)", rf"\g<1>{folder}/", line)
            )
        for key in {"key", "restore-keys"} & inputs.keys():
            _change_lines(inputs, key, lambda line: line if line.startswith("${{") else unique_name(line))


def _change_lines(inputs: Any, name: str, change: Callable[[str], str]) -> None:
    inputs[name] = "\n".join(change(line.strip()) for line in inputs[name].splitlines() if line.strip())


def _renamed(text: str, folder: str, variables: dict[str, str]) -> str:
    """A text of a workflow with the names that are unique at the root."""
    text = re.sub(r"\bvars\.(\w+)", lambda match: f"vars.{variables[match[1]]}", text)
    text = re.sub(r"hashFiles\([^)]*\)", lambda call: re.sub("'([^']*)'", rf"'{folder}/\g<1>'", call[0]), text)
    text = re.sub(r"((?<=')|(?<=context=))verdict\b", unique_name("verdict"), text)
    if "${{" not in text and len(text.split()) > 1:  # a sentence, that says what to set
        text = re.sub(rf"\b({'|'.join(variables) or '(?!)'})\b", lambda match: variables[match[1]], text)
    return text


def _change_texts(node: Any, change: Callable[[str], str]) -> None:
    """Change every text below a mapping or list, in the style in which it is written."""
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, str) and (changed := change(value)) != value:
            node[key] = type(value)(changed)
        elif isinstance(value, dict | list):
            _change_texts(value, change)


def _prefix(folder: str) -> str:
    """What the names of the project's variables begin with: no digit and not GITHUB_, which GitHub refuses."""
    prefix = re.sub(r"\W+", "_", folder).upper() + "_"
    return f"_{prefix}" if re.match(r"\d|GITHUB_", prefix) else prefix


def _on_default_branch(text: str) -> str:
    return text.replace("branches: [main]", f"branches: [{default_branch()}]")


def _name_branch() -> None:
    """Write the default branch into the workflows of a project that is all of its repository, if it is not main."""
    changed = []
    for path in sorted(WORKFLOWS.glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        if (on_default := _on_default_branch(text)) != text:
            path.write_text(on_default, encoding="utf-8")
            changed.append(path.name)
    done = (
        f"{' and '.join(changed)} now run on pushes to {default_branch()}: commit them" if changed else "nothing to do"
    )
    print(f"workflows: the project is all of its repository, so GitHub reads its workflows where they are: {done}")


def main() -> None:
    folder, root = str(project_folder()), Path(git("rev-parse", "--show-cdup").strip())
    if folder == ".":
        return _name_branch()
    sources = [path for path in sorted(WORKFLOWS.glob("*.yml")) if path.name not in NOT_HERE]
    names = {yaml().load(path)["name"] for path in sources}
    targets = {path: root / path.with_name(unique_name(path.name)) for path in sources}
    ours = f"# Written by `make workflows` in {folder},"
    for target in targets.values():
        if target.exists() and not target.read_text(encoding="utf-8").startswith(ours):
            sys.exit(f"error: {target} is not of this project: rename it, or the project's folder")
    for path in (root / WORKFLOWS).glob("*.yml"):
        if path not in targets.values() and path.read_text(encoding="utf-8").startswith(ours):
            path.unlink()
    for source, target in targets.items():
        workflow = moved(_on_default_branch(source.read_text(encoding="utf-8")), folder, names)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8") as file:
            file.write(f"{ours} from {folder}/{source}: change that one, and run it again.\n")
            yaml().dump(workflow, file)
    rules = json.loads(RULESET.read_text(encoding="utf-8").replace('"verdict"', f'"{unique_name("verdict")}"'))
    target = root / RULESET.with_name(unique_name(RULESET.name))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(rules | {"name": unique_name(rules["name"])}, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {len(targets)} workflows and {target}: commit them; docs/pull-requests.md says what they need")


if __name__ == "__main__":
    with one_line():
        main()
