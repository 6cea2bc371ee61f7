"""What holds for the template's own files, and for a scaffold on a bare machine."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TEMPLATE, BakedProject, clean_environment

FOLDER = TEMPLATE / "<<cookiecutter.project>>"
PROMPTS = [name for name in json.loads((TEMPLATE / "cookiecutter.json").read_text()) if not name.startswith("__p")]
TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=TEMPLATE, capture_output=True, text=True).stdout.split("\0")[
    :-1
]


def rendered_files() -> list[Path]:
    embedded = FOLDER / ".dvc" / "embedded"
    return [path for path in FOLDER.rglob("*") if path.is_file() and embedded not in path.parents]


def test_the_top_level_is_what_people_look_for() -> None:
    expected = {
        "<<cookiecutter.project>>",
        "hooks",
        "cookiecutter.json",
        "tests",
        "README.md",
        "Makefile",
        "LICENSE",
        "docs",
        "bench",
    }

    assert expected <= {path.name for path in TEMPLATE.iterdir()}


def test_every_double_angle_in_the_template_opens_a_cookiecutter_expression() -> None:
    for path in rendered_files():
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"<<(?! cookiecutter\.)", text) == [], path
        assert re.findall(r"<#|<%(?!-? (if|else|endif|include|now)\b)", text) == [], path


def test_a_rendered_repo_holds_no_trace_of_the_template(bake: Callable[..., BakedProject]) -> None:
    baked = bake()

    for path in baked.path.rglob("*"):
        assert "cookiecutter" not in str(path.relative_to(baked.path))
        if path.is_file() and ".git" not in path.parts and ".dvc/embedded" not in str(path):
            text = path.read_text(encoding="utf-8")
            assert "<<" not in text, path
            assert text.endswith("\n"), path
            assert not text.endswith("\n\n"), path
            assert not re.search(rf"cookiecutter\.({'|'.join(PROMPTS)})", text), path


def test_the_lock_file_pins_every_package_by_version_and_hash_and_names_no_address() -> None:
    text = (FOLDER / "requirements.txt").read_text()
    packages = re.split(r"\n(?=[a-z0-9])", text.strip())

    assert len(packages) > 200
    for package in packages:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+", package), package[:80]
        assert "--hash=sha256:" in package, package[:80]
    assert "://" not in text


def test_the_repo_holds_nothing_large_and_no_path_of_a_machine() -> None:
    for name in TRACKED:
        path = TEMPLATE / name
        assert path.stat().st_size < 1_000_000, name
        if ".dvc/embedded" not in name and path.suffix != ".png" and path != Path(__file__):
            assert not re.search(r"/(home|Users|root|work)/\w", path.read_text(encoding="utf-8")), name


def test_scaffolding_needs_only_git_and_no_identity_or_network(tmp_path: Path) -> None:
    """Run with an empty home, no git configuration, a PATH that holds git alone, and proxies that lead nowhere."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(str(shutil.which("git")))
    nowhere = "http://127.0.0.1:9"
    environment = {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin"), "http_proxy": nowhere, "https_proxy": nowhere}

    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "--output-dir", str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["    cd telco-churn", "    make setup repro"]
    git = {"cwd": tmp_path / "telco-churn", "capture_output": True, "text": True, "env": clean_environment()}
    assert subprocess.run(["git", "status", "--porcelain", "--ignored"], **git).stdout == ""
    assert subprocess.run(["git", "branch", "--show-current"], **git).stdout == "main\n"
    assert subprocess.run(["git", "rev-list", "--count", "HEAD"], **git).stdout == "1\n"


def test_without_git_the_scaffold_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "--output-dir", str(tmp_path / "out")],
        env={"HOME": str(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode != 0
    assert "git is not installed" in done.stderr
    assert not (tmp_path / "out" / "telco-churn").exists()


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "telco-churn").mkdir()
    (tmp_path / "telco-churn" / "mine.txt").write_text("mine")

    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "--output-dir", str(tmp_path)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode != 0
    assert [path.name for path in (tmp_path / "telco-churn").iterdir()] == ["mine.txt"]


def test_rendering_over_a_repo_commits_nothing_and_says_so(tmp_path: Path) -> None:
    def render(*options: str) -> str:
        command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "--output-dir", str(tmp_path)]
        return subprocess.run([*command, *options], env=clean_environment(), **captured).stdout

    captured = {"check": True, "capture_output": True, "text": True, "timeout": 60}
    render()
    repo = BakedProject(tmp_path / "telco-churn")
    (repo.path / ".env").write_text("TOKEN=secret")
    repo.replace("params.yaml", "max_iter: 150", "max_iter: 40")
    repo.commit("Mine")

    output = render("--overwrite-if-exists")

    assert "nothing was committed" in output
    assert "is ready" not in output
    assert repo.run("git log -1 --format=%s").stdout == "Mine\n"
    assert repo.run("git status --porcelain").stdout == " M params.yaml\n"  # the template's, to be looked at
    assert repo.run("git ls-files .env").stdout == ""


@pytest.mark.parametrize(
    ("preparation", "complaint"),
    [
        ("true", "git could not bring back (fatal: not a git repository"),
        ("git init --quiet", "not committed, such as README.md"),
        ("git init --quiet && git add . && git commit --quiet -m Mine && echo more >> README.md", "such as README.md"),
        ("git init --quiet && echo '*' > .git/info/exclude", "holds files that are not committed, and"),
    ],
    ids=["no repository", "nothing committed", "changed", "ignored"],
)
def test_rendering_over_files_that_git_could_not_bring_back_is_refused(
    tmp_path: Path, preparation: str, complaint: str
) -> None:
    folder = BakedProject(tmp_path / "telco-churn")
    folder.path.mkdir()
    (folder.path / "README.md").write_text("mine")
    folder.run(preparation)
    before = folder.hashes(".")
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "--overwrite-if-exists"]

    done = subprocess.run(
        [*command, "--output-dir", str(tmp_path)], env=clean_environment(), capture_output=True, text=True, timeout=60
    )

    (line,) = done.stderr.splitlines()
    assert complaint in line
    assert done.returncode != 0
    assert folder.hashes(".") == before


def test_a_list_of_ignored_files_of_the_users_own_keeps_nothing_out_of_the_repo(tmp_path: Path) -> None:
    (tmp_path / "ignored").write_text(
        "data/\nmodels/\nreports/\nmetrics/\nplots/\ndocs/\n*.lock\n*.json\n*.yaml\n*.txt\n*.dvc\n.python-version\n.DS_Store\n"
    )
    (tmp_path / "gitconfig").write_text(f"[core]\n    excludesFile = {tmp_path / 'ignored'}\n")
    environment = clean_environment() | {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")}
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "--output-dir", str(tmp_path)]

    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)

    repo = BakedProject(tmp_path / "telco-churn")
    assert repo.run("git status --porcelain --ignored").stdout == ""  # read without that list
    results = "data/raw/new.csv.dvc docs/new.md dvc.lock metrics/test.json models/new.txt new.yaml plots/roc.json reports/validation.json"
    repo.run("mkdir -p metrics plots reports && touch .DS_Store reports/gate.json " + results)
    repo.run("git add --all", GIT_CONFIG_GLOBAL=str(tmp_path / "gitconfig"))
    assert repo.run("git diff --cached --name-only").stdout.split() == results.split()


def test_continuous_integration_runs_what_the_readme_tells_people_to_run() -> None:
    readme, makefile = (TEMPLATE / "README.md").read_text(), (TEMPLATE / "Makefile").read_text()

    assert (TEMPLATE / ".ci/run").read_text().rstrip().endswith("exec make test")
    assert "run: make test\n" in (TEMPLATE / ".github/workflows/test.yml").read_text()
    assert not re.search(r"[A-Z]+_[A-Z]+", readme.replace("MLFLOW_TRACKING_URI", ""))  # a figure not filled in
    for command in re.findall(r"^make ([a-z-]+)  +#", readme, flags=re.MULTILINE) + re.findall(
        r"\| `make ([a-z-]+)`", readme
    ):
        assert f"\n{command}: .venv/.ready" in makefile, command


def test_git_merges_no_file_that_the_pipeline_writes_and_changes_no_line_end(baked: BakedProject) -> None:
    stages = baked.read("dvc.yaml")["stages"].values()
    outputs = [out for stage in stages for kind in ("outs", "metrics") for out in stage.get(kind, [])]
    paths = [path for out in outputs for path, form in out.items() if form.get("cache") is False]
    paths = ["dvc.lock", *(path if Path(path).suffix else f"{path}/roc.json" for path in paths)]

    lines = baked.run(f"git check-attr merge linguist-generated text -- {' '.join(paths)}").stdout.splitlines()

    expected = {"merge": "unset", "linguist-generated": "set", "text": "unset"}
    assert len(paths) > 10
    assert lines == [f"{path}: {name}: {value}" for path in paths for name, value in expected.items()]


def test_an_update_resolves_the_lock_as_make_lock_does() -> None:
    module = (FOLDER / "src/lifecycle/template/lock_file.py").read_text()
    (command,) = re.findall(r'^COMMAND = "(.+)"$', module, flags=re.MULTILINE)
    (of_make,) = re.findall(r"^\t@(uv pip compile .+)$", (FOLDER / "Makefile").read_text(), flags=re.MULTILINE)

    assert {*command.split(), "$(UPGRADE)", "--output-file", "requirements.txt"} == set(of_make.split())
