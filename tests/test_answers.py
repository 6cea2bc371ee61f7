"""Every prompt has an effect, and every bad answer is refused before a file exists."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TEMPLATE, BakedProject, clean_environment

Bake = Callable[..., BakedProject]


def toml(baked: BakedProject) -> dict:
    return tomllib.loads(baked.text("pyproject.toml"))


def test_project_names_the_folder_the_distribution_the_command_and_the_experiment(bake: Bake) -> None:
    baked = bake(project="Credit-Risk.v2")

    assert baked.path.name == "Credit-Risk.v2"
    assert toml(baked)["project"]["name"] == "Credit-Risk.v2"
    assert toml(baked)["project"]["scripts"] == {"Credit-Risk.v2": "lifecycle.cli:main"}
    assert baked.read("params.yaml")["track"]["experiment"] == "Credit-Risk.v2"
    assert (baked.path / "src/credit_risk_v2/features.py").exists()


def test_package_names_the_import(bake: Bake) -> None:
    baked = bake(package="churn")

    assert (baked.path / "src/churn/__init__.py").exists()
    assert baked.read("params.yaml")["package"] == "churn"
    assert "src/churn/features.py" in baked.text("dvc.yaml")
    assert "telco_churn" not in "".join(path.read_text() for path in baked.path.rglob("*.py"))


def test_the_machinery_is_the_same_in_every_repo(bake: Bake) -> None:
    """So that it can be renewed, and told from what the user has written: the template's own files, byte for byte."""
    source = TEMPLATE / "<<cookiecutter.project>>" / "src" / "lifecycle"
    rendered = bake(project="Other", package="other", description="Something else").path / "src" / "lifecycle"

    ours = {path.relative_to(source): path.read_bytes() for path in source.rglob("*") if path.suffix in (".py", ".mk")}
    theirs = {path.relative_to(rendered): path.read_bytes() for path in rendered.rglob("*") if path.is_file()}
    assert theirs == ours
    assert not [name for name, content in ours.items() if b"churn" in content.lower()]
    assert not [name for name, content in ours.items() if b"cookiecutter" in content and name.parts[0] != "template"]


def test_description_author_and_email_are_in_the_metadata(bake: Bake) -> None:
    baked = bake(description="Who's leaving & why: 90% right", author="Zoë O'Hara", email="zoe@example.org")

    assert toml(baked)["project"]["description"] == "Who's leaving & why: 90% right"
    assert toml(baked)["project"]["authors"] == [{"name": "Zoë O'Hara", "email": "zoe@example.org"}]
    assert "Who's leaving & why: 90% right" in baked.text("README.md")
    assert baked.run("git log -1 --format='%an <%ae>'").stdout.strip() == "Zoë O'Hara <zoe@example.org>"


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_python_version_is_the_oldest_that_is_supported(bake: Bake, version: str) -> None:
    metadata = toml(bake(python_version=version))

    assert metadata["project"]["requires-python"] == f">={version}"
    assert metadata["tool"]["mypy"]["python_version"] == version


@pytest.mark.parametrize(
    ("answer", "first_line", "identifier"),
    [
        ("MIT", "MIT License", "MIT"),
        ("Apache-2.0", "Apache License", "Apache-2.0"),
        ("BSD-3-Clause", "BSD 3-Clause License", "BSD-3-Clause"),
        ("proprietary", "Copyright (c)", "LicenseRef-Proprietary"),
    ],
)
def test_license_is_the_text_and_the_metadata(bake: Bake, answer: str, first_line: str, identifier: str) -> None:
    baked = bake(license=answer, author="Ada")

    assert baked.text("LICENSE").strip().startswith(first_line)
    assert toml(baked)["project"]["license"] == identifier
    assert ("Ada" in baked.text("LICENSE")) == (answer != "Apache-2.0")


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("s3", "s3://bucket/churn"),
        ("gs", "gs://bucket"),
        ("azure", "azure://container/path"),
        ("ssh", "ssh://me@host.example/srv/dvc"),
    ],
)
def test_remote_is_dvcs_default_and_its_plugin_is_installed(bake: Bake, remote: str, url: str) -> None:
    baked = bake(remote=remote, remote_url=url)

    assert f"    url = {url}\n" in baked.text(".dvc/config")
    assert f"dvc[{remote}]>=3.67,<4" in toml(baked)["project"]["dependencies"]


@pytest.mark.parametrize(("answer", "url"), [("../store", "../../store"), ("/srv/dvc", "/srv/dvc")])
def test_a_local_remote_is_a_folder_seen_from_the_repo(bake: Bake, answer: str, url: str) -> None:
    baked = bake(remote_url=answer)

    assert f"    url = {url}\n" in baked.text(".dvc/config")


def test_tracking_uri_is_where_runs_go(bake: Bake) -> None:
    baked = bake(tracking_uri="https://mlflow.example.com")

    assert baked.read("params.yaml")["track"]["tracking_uri"] == "https://mlflow.example.com"


@pytest.mark.parametrize("project", ["123", "null", "1e3"])
def test_a_name_that_yaml_takes_for_something_else_stays_a_name(bake: Bake, project: str) -> None:
    baked = bake(project=project, package="p", tracking_uri="http://h:")

    assert baked.read("params.yaml")["track"] == {"experiment": project, "tracking_uri": "http://h:"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table in it, and one below."""
    for name in ("loans.csv", "tables/loans.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("age,defaulted\n31,yes\n")
    return tmp_path


def test_data_and_target_take_the_place_of_the_sample(folder: Path) -> None:
    """`make setup` then makes the project about the table: see tests/test_pipeline.py."""
    done = generate(folder, {"project": "loans", "data": "loans.csv", "target": '% of "defaults"'})
    baked = BakedProject(folder / "out" / "loans")

    assert done.returncode == 0, done.stderr
    assert baked.read(".dvc/tmp/adopt.json") == {"data": str(folder / "loans.csv"), "target": '% of "defaults"'}
    names = baked.run("git ls-files").stdout.split("\n")
    assert [name for name in names if re.search("telco|(?<!bottom_k_)sample|drift_demo", name)] == []
    assert [name for name in names if name.startswith((".dvc/tmp", ".dvc/embedded"))] == []
    assert "embedded" not in baked.text(".dvc/config")
    assert "telco" not in baked.text("data/raw/.gitignore")
    assert baked.run("git status --short").stdout == ""


def test_the_description_names_the_target_unless_it_is_given(folder: Path) -> None:
    answers = {"data": "loans.csv", "target": "defaulted"}
    generate(folder, answers | {"project": "a"})
    generate(folder, answers | {"project": "b", "description": "Who pays late"})

    first, second = (BakedProject(folder / "out" / name) for name in "ab")
    assert toml(first)["project"]["description"] == "Predict defaulted"
    assert first.text("README.md").startswith("# a\n\nPredict defaulted.\n")
    assert toml(second)["project"]["description"] == "Who pays late"


def test_without_data_the_project_is_about_the_sample(baked: BakedProject) -> None:
    listed = baked.text(".sample-files").split()

    assert not (baked.path / ".dvc/tmp/adopt.json").exists()
    assert "data/raw/telco.csv.dvc" in listed
    assert [name for name in listed if not (baked.path / name).exists()] == []
    assert "url = embedded" in baked.text(".dvc/config")


@pytest.mark.parametrize("data", ["tables/loans.csv", "./tables/../tables/loans.csv", "~/tables/loans.csv", "tables"])
def test_a_path_is_seen_from_where_the_user_stands(folder: Path, data: str) -> None:
    done = generate(folder, {"project": "loans", "data": data, "target": "defaulted"}, HOME=str(folder))

    pending = BakedProject(folder / "out" / "loans").read(".dvc/tmp/adopt.json")
    assert done.returncode == 0, done.stderr
    assert Path(pending["data"]).is_absolute()
    assert Path(pending["data"]).samefile(folder / "tables" / ("" if data == "tables" else "loans.csv"))


def test_the_hooks_need_the_standard_library_alone() -> None:
    """cookiecutter may be installed apart from everything else."""
    for hook in (TEMPLATE / "hooks").glob("*.py"):
        tree = ast.parse(hook.read_text(encoding="utf-8").replace("<< cookiecutter | tojson >>", "{}"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


@pytest.mark.slow
def test_no_package_may_take_the_name_of_an_installed_one(project: BakedProject) -> None:
    hook = (TEMPLATE / "hooks/pre_gen_project.py").read_text().split('"""')
    refused = set(next(block for block in hook if "alembic" in block).split())
    installed = project.run(
        "python -c 'from importlib.metadata import packages_distributions as names; print(*names())'"
    ).stdout.split()

    public = {name.lower() for name in installed if name.isidentifier() and not name.startswith("_")}
    assert public - refused - {"telco_churn", "lifecycle"} == set()


BAD = [
    ({"project": "a b"}, "project 'a b' is not a distribution name"),
    ({"project": "-churn"}, "project '-churn' is not a distribution name"),
    ({"project": "../churn"}, "project '../churn' is not a distribution name"),
    ({"project": "Scikit_Learn"}, "is the name of a package this project installs"),
    ({"project": "mlflow"}, "is the name of a package this project installs"),
    ({"project": ""}, "project is empty"),
    ({"package": "2churn"}, "package '2churn' is not an import name"),
    ({"package": "Churn"}, "has capitals"),
    ({"package": "naïve"}, "is not an import name"),
    ({"package": "class"}, "is a Python keyword"),
    ({"package": "match"}, "is a Python keyword"),
    ({"package": "pandas"}, "shadows a package"),
    ({"package": "json"}, "shadows a package"),
    ({"package": "tests"}, "shadows a package"),
    ({"package": "lifecycle"}, "shadows a package"),
    ({"description": 'a "good" model'}, 'description holds "'),
    ({"description": "back\\slash"}, "description holds \\"),
    ({"description": "two\nlines"}, "description holds a control character"),
    ({"author": "Ada\x1b[31m"}, "author holds a control character"),
    ({"author": "Ada <ada@x.org>"}, "author 'Ada <ada@x.org>' is not a name git takes"),
    ({"author": ".,"}, "is not a name git takes"),
    ({"email": "<x@y>"}, "is not an address"),
    ({"project": "p" * 81}, "80 characters at most"),
    ({"package": "joblib"}, "shadows a package"),
    ({"author": " "}, "author is empty"),
    ({"email": "ada"}, "email 'ada' is not an address"),
    ({"email": "a b@x.org"}, "is not an address"),
    ({"remote": "s3"}, "remote_url is empty: remote 's3' needs an address"),
    ({"remote": "s3", "remote_url": "gs://bucket"}, "does not fit remote 's3'"),
    ({"remote": "ssh", "remote_url": "ssh://"}, "does not fit remote 'ssh'"),
    ({"remote": "azure", "remote_url": "azure://my container"}, "does not fit remote 'azure'"),
    ({"remote_url": "s3://bucket"}, "is not a folder"),
    ({"remote_url": "../a#b"}, "holds #, which a DVC config file cannot carry"),
    ({"remote_url": ""}, "remote_url is empty"),
    ({"tracking_uri": "mlflow.db"}, "tracking_uri 'mlflow.db' is not one MLflow takes"),
    ({"tracking_uri": "ftp://host"}, "is not one MLflow takes"),
    ({"tracking_uri": ""}, "is not one MLflow takes"),
    ({"data": "loans.csv"}, "target is empty: name the column of your table to predict"),
    ({"data": "loans.csv", "target": " "}, "target is empty"),
    ({"target": "defaulted"}, "target 'defaulted' is given without data"),
    ({"data": " ", "target": "defaulted"}, "target 'defaulted' is given without data"),
    (
        {"data": "nowhere/loans.csv", "target": "defaulted"},
        "nowhere/loans.csv' does not exist: name a CSV or Parquet file",
    ),
    ({"data": "loans\n.csv", "target": "defaulted"}, "data holds a control character"),
    ({"data": "loans.csv", "target": "a\tb", "description": "x"}, "target holds a control character"),
]


def generate(folder: Path, answers: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter in a folder, as a shell there would."""
    config = folder / "config.yaml"
    config.write_text(
        f"cookiecutters_dir: {folder}\nreplay_dir: {folder / 'replay'}\ndefault_context: {json.dumps(answers)}\n"
    )
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "--config-file", str(config)]
    return subprocess.run(
        [*command, "--output-dir", str(folder / "out")],
        cwd=folder,
        env=clean_environment() | {"PWD": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(("answers", "complaint"), BAD, ids=[str(answers) for answers, _ in BAD])
def test_a_bad_answer_is_refused_with_one_line_and_nothing_is_left(
    tmp_path: Path, answers: dict[str, str], complaint: str
) -> None:
    done = generate(tmp_path, answers)

    (line,) = done.stderr.splitlines()
    assert line.startswith("Cannot generate the project: ")
    assert complaint in line
    assert "Hook script failed (exit status: 2)" in done.stdout  # cookiecutter itself leaves with 1
    assert done.returncode != 0
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_an_unknown_choice_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "cookiecutter",
            str(TEMPLATE),
            "--no-input",
            "--output-dir",
            str(tmp_path),
            "license=WTFPL",
        ],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode != 0
    assert "WTFPL" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_project_whose_name_begins_with_a_digit_gets_a_package_that_python_can_import(
    bake: Callable[..., BakedProject],
) -> None:
    project = bake(project="2d-model")

    assert (project.path / "src/project_2d_model/features.py").is_file()
    assert project.read("params.yaml")["package"] == "project_2d_model"
