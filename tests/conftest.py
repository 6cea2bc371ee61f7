"""What the tests share: rendered projects, one environment for all of them, and one reproduced pipeline to copy."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cookiecutter.main import cookiecutter
from filelock import FileLock

pytest_plugins = ["served"]  # fixtures of the server's tests

TEMPLATE = Path(__file__).parents[1]
TIMEOUT = 900


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of a project that has its environment is slow: making one takes longer than most tests."""
    for item in items:
        if "project" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


@dataclass
class BakedProject:
    """A rendered project, and how a person would use it."""

    path: Path

    def run(self, command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the project, with its environment first on PATH."""
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.path,
            env=clean_environment() | {"PATH": f"{self.path / '.venv/bin'}:{os.environ['PATH']}"} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        if check and done.returncode:
            pytest.fail(f"`{command}` exited with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def text(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def read(self, name: str) -> Any:
        """Return the content of a YAML or JSON file."""
        return yaml.safe_load(self.text(name))

    def parquet(self, name: str, expression: str) -> Any:
        """Return what an expression says of `frame`, a Parquet file of the project, as JSON."""
        # os._exit: Arrow's threads now and then abort a process that ends right after reading (apache/arrow#34314).
        script = (
            "import json, os, pyarrow.parquet as parquet\n"
            f"frame = parquet.ParquetFile({name!r}).read().to_pandas()\n"
            f"print(json.dumps({expression}), flush=True)\nos._exit(0)\n"
        )
        (self.path / ".git" / "read.py").write_text(script)
        return json.loads(self.run("python .git/read.py").stdout)

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace the first occurrence of a text that must be there."""
        before = self.text(name)
        assert old in before, f"{old!r} is not in {name}"
        (self.path / name).write_text(before.replace(old, new, 1), encoding="utf-8")

    def commit(self, message: str = "Change") -> None:
        self.run(f"git add --all && git commit --quiet --message '{message}'")

    def hashes(self, *names: str) -> dict[str, str]:
        """Return the SHA-256 of every file in the named files and folders."""
        files = [file for name in names for file in sorted((self.path / name).rglob("*")) or [self.path / name]]
        return {
            str(file.relative_to(self.path)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
            if file.is_file()
        }


def clean_environment() -> dict[str, str]:
    """The environment without what the person running the tests may have set for MLflow, DVC, git or Python."""
    prefixes = ("MLFLOW_", "DVC_", "GIT_", "PYTHON", "PYTEST_", "VIRTUAL_ENV", "MAKE", "MFLAGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    author = {"NAME": "Tester", "EMAIL": "tester@example.com"}
    identity = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in author.items()}
    return kept | identity | {"DVC_NO_ANALYTICS": "1", "GIT_CONFIG_GLOBAL": os.devnull}


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., BakedProject]:
    """Make a project once for all test processes; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def made(name: str, make: Callable[[Path], BakedProject]) -> BakedProject:
        folder = shared / name
        with FileLock(f"{folder}.lock", timeout=TIMEOUT):
            done = folder / "done"
            if not done.exists():
                folder.mkdir(exist_ok=True)
                done.write_text(str(make(folder).path))
        return BakedProject(Path(done.read_text()))

    return made


@pytest.fixture(scope="session")
def bake(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., BakedProject]:
    """Render the template with the given answers, into a folder of its own."""

    def render(folder: Path | None = None, **answers: str) -> BakedProject:
        folder = folder or tmp_path_factory.mktemp("baked")
        config = folder / "config.yaml"
        config.write_text(f"cookiecutters_dir: {folder}\nreplay_dir: {folder / 'replay'}\n")
        path = cookiecutter(
            str(TEMPLATE), no_input=True, extra_context=answers, output_dir=str(folder), config_file=str(config)
        )
        return BakedProject(Path(path))

    return render


@pytest.fixture(scope="session")
def baked(bake: Callable[..., BakedProject]) -> BakedProject:
    """The default project as it comes out. Read it, do not change it."""
    return bake()


@pytest.fixture(scope="session")
def project(bake: Callable[..., BakedProject], once: Callable[..., BakedProject]) -> BakedProject:
    """The default project after `make setup`; its environment serves every other project too."""

    def make(folder: Path) -> BakedProject:
        baked = bake(folder)
        baked.run("make setup", PIP_USER="1")  # as some people have it set
        return baked

    return once("project", make)


@pytest.fixture(scope="session")
def reproduced(project: BakedProject, once: Callable[..., BakedProject]) -> BakedProject:
    """The default project after `make repro`, committed. Read it, do not change it: that is what `copy` is for."""

    def make(folder: Path) -> BakedProject:
        done = copied(project, folder)
        output = done.run("make repro").stdout
        (done.path / ".git" / "repro.log").write_text(output)
        done.commit("Results")
        return done

    return once("reproduced", make)


@pytest.fixture(scope="session")
def base(reproduced: BakedProject, once: Callable[..., BakedProject]) -> BakedProject:
    """A project quick to recompute, and a branch `worse` off it, whose model is worse than the gate allows."""

    def make(folder: Path) -> BakedProject:
        project = copied(reproduced, folder)
        project.replace("params.yaml", "bootstrap: 1000", "bootstrap: 200")
        project.replace(
            "gates.yaml",
            "not_recomputed: {}",
            "not_recomputed: {data: quick, validate: quick, featurize: quick, train: quick}",
        )
        project.run("dvc repro evaluate")
        project.commit("Base")
        add_worse_branch(project)
        return project

    return once("gate", make)


def add_worse_branch(project: BakedProject) -> None:
    """Commit a model that is worse than the gate allows on a branch `worse`; main is checked out in the end."""
    project.run("git switch --quiet --create worse")
    project.replace("params.yaml", "max_iter: 150", "max_iter: 40")
    project.run("dvc repro evaluate")
    project.commit("Worse")
    project.run("git switch --quiet main && dvc checkout --quiet")


@pytest.fixture
def copy(reproduced: BakedProject, tmp_path: Path) -> BakedProject:
    """A copy of the reproduced project, that a test may change."""
    return copied(reproduced, tmp_path)


@pytest.fixture
def fresh(project: BakedProject, tmp_path: Path) -> BakedProject:
    """A copy of the project before its first `dvc repro`, that a test may change."""
    return copied(project, tmp_path)


def copied(baked: BakedProject, folder: Path) -> BakedProject:
    target = folder / baked.path.name
    shutil.copytree(baked.path, target, symlinks=True, ignore=lambda _, names: {".venv"} & set(names))
    (target / ".venv").symlink_to((baked.path / ".venv").resolve())
    return BakedProject(target)
