"""Parts of a generated repo that can be left out: nothing of them stays behind, and what is left works."""

import ast
import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from conftest import TEMPLATE, BakedProject

NEEDS = {
    "registry": set(),
    "serving": {"registry"},
    "batch": {"registry"},
    "monitoring": {"registry", "serving"},
    "retraining": {"registry", "serving"},
}
PARTS = set(NEEDS)
VALID = [
    set(chosen)
    for size in range(len(PARTS) + 1)
    for chosen in itertools.combinations(NEEDS, size)
    if all(NEEDS[part] <= set(chosen) for part in chosen)
]
ALONE = [set(), *({part} | NEEDS[part] for part in NEEDS), PARTS]
"""No part, each part alone with what it needs, and all."""

WORDS = {
    "registry": r"staging|production|rollback|\bledger|promote(?!_options)|lifecycle[./]registry|model registry",
    "serving": r"\bserving|\bserve\b|canary|shadow|deploy|fastapi|prediction log|POST /predict|kubernetes|simulate",
    "batch": r"batch.scor|\bspark|quarantine|\bjava\b|lifecycle[./]batch|make score",
    "monitoring": r"(?<!service)monitor|evidently|drift|webhook",
    "retraining": r"retrain(?!ed\b)",
}
"""Words that only a part has a use for."""

KNOWN = {
    **{f"src/lifecycle/registry/{name}.py": {"canary", "shadow"} for name in ("aliases", "ledger", "history", "moves")},
    **{f"src/lifecycle/monitoring/{name}.py": {"retrain"} for name in ("alerts", "settings")},
    **{f"src/lifecycle/monitoring/{name}.py": {"quarantine"} for name in ("scored_rows", "scored_table")},
}
"""What a part has to know of another: the registry has aliases for canary and shadow, so that a ledger stays readable when serving
is added or dropped; monitoring starts a retraining, if it is there, and reads what `score` wrote."""

COMMANDS = {
    "": {
        *("validate", "contract", "tracking-uri", "environment", "gate", "adopt"),
        *("explain", "relock", "audit", "resolve", "search", "model", "template-update", "template-link"),
    },
    "registry": {"register", "promote", "check", "rollback", "history", "show"},
    "serving": {"serve", "simulate", "compare", "deploy", "explain-answer", "log", "forget"},
    "batch": {"score"},
    "monitoring": {"monitor"},
    "retraining": {"retrain"},
}


def name_of(chosen: set[str]) -> str:
    return "+".join(part for part in NEEDS if part in chosen) or "none"


@pytest.fixture(scope="session")
def with_parts(bake: Callable[..., BakedProject]) -> Callable[[set[str]], BakedProject]:
    """A repo with the parts that are named, as it comes out. Read it, do not change it."""
    made: dict[str, BakedProject] = {}

    def get(chosen: set[str]) -> BakedProject:
        name = name_of(chosen)
        if name not in made:
            made[name] = bake(**{part: "yes" if part in chosen else "no" for part in NEEDS})
        return made[name]

    return get


def files(baked: BakedProject) -> Iterator[Path]:
    """The files that a person reads: those in git but the sample's data, the licence, the lock of the packages, and what adds parts."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=baked.path, capture_output=True, text=True).stdout
    for name in listed.split("\0")[:-1]:
        adds_parts = name == ".template.json" or re.search(r"lifecycle/template/|template-update\.", name)
        if not adds_parts and not name.startswith(".dvc/embedded") and name not in ("LICENSE", "requirements.txt"):
            yield baked.path / name


@pytest.mark.parametrize("chosen", VALID, ids=name_of)
def test_a_part_that_is_left_out_leaves_no_word_behind(
    with_parts: Callable[[set[str]], BakedProject], chosen: set[str]
) -> None:
    baked = with_parts(chosen)

    words = re.compile("|".join(WORDS[part] for part in PARTS - chosen) or "(?!)", flags=re.IGNORECASE)
    traces = []
    for path in files(baked):
        name = str(path.relative_to(baked.path))
        for line in [name, *path.read_text(encoding="utf-8").splitlines()]:
            found = {word.lower() for word in words.findall(line)} - KNOWN.get(name, set())
            traces += [f"{name}: {line.strip()[:120]}"] if found else []

    assert traces == []


@pytest.mark.parametrize("chosen", VALID, ids=name_of)
def test_every_module_is_used_and_every_import_is_there(
    with_parts: Callable[[set[str]], BakedProject], chosen: set[str]
) -> None:
    """From the command line, the stages, what a version carries, the processes that run a module by its path, and the notebook."""
    source = with_parts(chosen).path / "src"
    started = [*source.glob("lifecycle/**/commands.py"), *source.glob("telco_churn/*.py"), source / "lifecycle/cli.py"]
    stages = yaml.safe_load((source.parent / "dvc.yaml").read_text())["stages"].values()
    started += [source / f"{stage['cmd'].split()[-1].replace('.', '/')}.py" for stage in stages]
    started += [
        source / name
        for name in (
            "lifecycle/core/scoring.py",
            "lifecycle/batch/process.py",
            "lifecycle/serving/model_worker.py",
            "lifecycle/pipeline/results.py",
        )
    ]
    used: set[Path] = set()
    missing: set[str] = set()
    pending = [path for path in started if path.exists()]
    while pending:
        path = pending.pop()
        if path in used:
            continue
        used.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lifecycle"):
                base = source.joinpath(*node.module.split("."))
                targets = [base.with_suffix(".py"), base / "__init__.py", *(base / f"{a.name}.py" for a in node.names)]
                there = [target for target in targets if target.exists()]
                missing |= set() if there else {f"{path.relative_to(source)}: {node.module}"}
                pending += there
            elif isinstance(node, ast.Constant) and re.fullmatch(r"lifecycle(\.\w+)+", str(node.value)):
                module = source.joinpath(*str(node.value).split(".")).with_suffix(".py")  # started with `python -m`
                pending += [module] if module.exists() else []

    modules = {path for path in source.glob("lifecycle/**/*.py") if path.name != "__init__.py"}
    assert missing == set()
    assert {str(path.relative_to(source)) for path in modules - used} == set()


@pytest.mark.parametrize("chosen", VALID, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(with_parts: Callable[[set[str]], BakedProject], chosen: set[str]) -> None:
    baked = with_parts(chosen)

    for page in (path for path in files(baked) if path.suffix == ".md"):
        text = page.read_text(encoding="utf-8")
        assert "\n\n\n" not in text, page
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            if not target.startswith("reports/"):  # what the pipeline will write
                assert (page.parent / target).exists(), f"{page.relative_to(baked.path)}: {target}"


@pytest.mark.parametrize("chosen", VALID, ids=name_of)
def test_the_files_of_the_sample_are_there(with_parts: Callable[[set[str]], BakedProject], chosen: set[str]) -> None:
    """`adopt` removes them."""
    baked = with_parts(chosen)

    listed = baked.text(".sample-files").splitlines()
    assert "scripts/prepare_telco.py" in listed
    assert [name for name in listed if not (baked.path / name).exists()] == []


@pytest.mark.parametrize("chosen", VALID, ids=name_of)
def test_make_help_and_the_workflows_name_only_what_is_there(
    with_parts: Callable[[set[str]], BakedProject], chosen: set[str]
) -> None:
    baked = with_parts(chosen)

    targets = set(re.findall(r"^  ([a-z-]+) ", baked.run("make help").stdout, flags=re.MULTILINE))
    workflows = "".join(path.read_text() for path in (baked.path / ".github").rglob("*.yml"))
    called = set(re.findall(r"(?:run: |^ +)make ([a-z-]+)", workflows, flags=re.MULTILINE))

    assert called <= targets
    assert ("monitor" in targets) == ("monitoring" in chosen)
    assert ("drift-demo" in targets) == ({"monitoring", "retraining"} <= chosen)
    linted = subprocess.run(
        [Path(sys.executable).parent / "actionlint", "-shellcheck="], cwd=baked.path, capture_output=True, text=True
    )
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("part", [part for part in NEEDS if NEEDS[part]])
def test_a_part_without_what_it_needs_is_refused(tmp_path: Path, part: str) -> None:
    from test_answers import generate

    answers = {name: name == part for name in NEEDS}
    done = generate(tmp_path, answers)

    assert f"{part} needs registry: answer yes to registry, or no to {part}" in done.stderr
    assert done.returncode != 0
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_the_manifest_names_every_folder_of_a_part_and_nothing_that_is_gone() -> None:
    hook: dict = {}
    text = (TEMPLATE / "hooks/post_gen_project.py").read_text().replace("<< cookiecutter | tojson >>", "{}")
    exec(compile(text.replace('__name__ == "__main__"', "False"), "hook", "exec"), hook)
    root = TEMPLATE / "<<cookiecutter.project>>"

    assert set(hook["PARTS"]) == set(hook["PACKAGES"]) == PARTS
    for path in itertools.chain(*hook["PARTS"].values(), hook["SHARED"]):
        assert (root / path).exists(), path
    folders = {path.name for path in (root / "src/lifecycle").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - {
        "core",
        "pipeline",
        "gate",
        "relock",
        "resolve",
        "search",
        "models",
        "template",
        "adopt",
    } == PARTS | {"prediction_log", "forget"}


@pytest.mark.parametrize("chosen", [set(), {"registry", "serving"}, PARTS - {"monitoring"}], ids=name_of)
def test_the_lock_has_just_the_packages_that_the_extras_need(
    project: BakedProject, with_parts: Callable[[set[str]], BakedProject], chosen: set[str]
) -> None:
    baked = with_parts(chosen)
    uv = project.path / ".venv/bin/uv"

    done = baked.run(
        f"{uv} pip compile pyproject.toml --all-extras --universal --no-header --no-annotate --quiet --constraint requirements.txt"
    )

    def packages(text: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)", text, flags=re.MULTILINE))

    assert packages(baked.text("requirements.txt")) == packages(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("chosen", ALONE[:-1], ids=name_of)
def test_what_is_left_is_set_up_reproduced_linted_and_tested(
    bake: Callable[..., BakedProject], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, chosen: set[str]
) -> None:
    """All parts together are the project of the other tests, and the pipeline is the same whatever parts there are."""
    baked = bake(tmp_path, **{part: "yes" if part in chosen else "no" for part in NEEDS})
    cache = tmp_path_factory.getbasetemp().parent / "mypy"

    baked.run("make setup")
    if not chosen:
        assert "track: logged new run" in baked.run("make repro").stdout
    baked.run("make lint", MYPY_CACHE_DIR=str(cache))
    tested = baked.run("make test").stdout

    assert re.search(r"^\d+ passed in", tested, flags=re.MULTILINE), tested[-500:]
    shown = baked.run("telco-churn --help").stdout
    there = set(re.findall(r"^    ([a-z-]+)(?: |$)", shown, flags=re.MULTILINE))
    assert there == set().union(*(commands for part, commands in COMMANDS.items() if part in chosen | {""}))
    assert ("--engine" in baked.run("telco-churn validate --help").stdout) == ("batch" in chosen)
