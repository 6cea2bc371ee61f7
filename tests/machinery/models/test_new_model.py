"""A further model: its settings and its pipeline, from those at the top."""

import shutil
from pathlib import Path

import pytest

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml
from lifecycle.models import new_model
from lifecycle.models.pipeline_file import pipeline_of_model

ROOT = Path.cwd()
PACKAGE = config.load().package


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project's settings and of the user's package."""
    for path in [
        *ROOT.glob("*.yaml"),
        ROOT / ".gitignore",
        ROOT / "models/.gitignore",
        *ROOT.glob("data/*/.gitignore"),
    ]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copytree(ROOT / "src" / PACKAGE, tmp_path / "src" / PACKAGE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_starts_as_the_model_at_the_top_under_a_name_of_its_own(top: Path) -> None:
    before = config.load()

    new_model.add("north", None)

    params = config.load(Path("models/north/params.yaml"))
    assert params.track.model == f"{before.track.model}-north"
    assert params.data.raw == Path("../..") / before.data.raw
    assert params.package == before.package
    assert params.train == before.train
    for name in ("contract.yaml", "gates.yaml", "environment.yaml"):
        assert Path("models/north", name).read_text() == Path(name).read_text()
    assert not Path("models/north/compose.yaml").exists()


def test_every_path_of_its_pipeline_that_is_shared_leads_to_the_top(top: Path) -> None:
    new_model.add("north", "north_code")

    stages, of_top = (read_yaml(path)["stages"] for path in (Path("models/north/dvc.yaml"), Path("dvc.yaml")))
    deps = {dep for stage in stages.values() for dep in stage["deps"]}
    assert stages.keys() == of_top.keys()
    assert "../../src/north_code/features.py" in deps
    assert {"contract.yaml", "${data.raw}", "models/model.skops"} <= deps
    assert not [dep for dep in deps if dep.startswith("src/") or PACKAGE in dep]
    for name, stage in stages.items():
        assert stage["cmd"].startswith("PYTHONPATH=../../src python -m ")
        assert stage["params"] == of_top[name]["params"]
        assert stage.get("outs") == of_top[name].get("outs")


def test_a_package_that_is_not_there_is_a_copy_and_one_that_is_there_stays(top: Path) -> None:
    Path("src", PACKAGE, "features.py").write_text(f"from {PACKAGE}.groups import OF\n{PACKAGE} = 1\n")

    new_model.add("north", "north_code")
    Path("src/north_code/model.py").write_text("# changed\n")
    new_model.add("south", "north_code")

    assert Path("src/north_code/features.py").read_text() == f"from north_code.groups import OF\n{PACKAGE} = 1\n"
    assert Path("src/north_code/checks.py").read_text() == Path("src", PACKAGE, "checks.py").read_text()
    assert Path("src/north_code/model.py").read_text() == "# changed\n"


def test_servers_on_this_machine_have_ports_of_their_own(top: Path) -> None:
    Path("any.yaml").write_text("a: http://127.0.0.1:8000\nb: https://models.example.com:8000\n")

    new_model.add("north", None)
    new_model.add("south", None)

    assert Path("models/north/any.yaml").read_text() == "a: http://127.0.0.1:8010\nb: https://models.example.com:8000\n"
    assert "127.0.0.1:8020" in Path("models/south/any.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "package", "reason"),
    [
        ("North", None, "model North: a name has small letters, digits and hyphens"),
        ("../north", None, "a name has small letters"),
        ("taken", None, "models/taken is there already"),
        ("north", "a-b", "--package a-b: not a name that Python can import"),
    ],
)
def test_what_cannot_be_a_model_is_one_line_and_writes_nothing(
    top: Path, name: str, package: str | None, reason: str
) -> None:
    Path("models/taken").mkdir()
    before = sorted(Path().rglob("*"))

    with pytest.raises(ConfigError, match=reason):
        new_model.add(name, package)

    assert sorted(Path().rglob("*")) == before


def test_a_stage_that_the_top_has_gained_is_in_the_models_after_model_pipeline(top: Path) -> None:
    new_model.add("north", None)
    text = Path("dvc.yaml").read_text()
    added = "stages:\n  more:\n    cmd: PYTHONPATH=src python scripts/more.py\n    deps:\n      - scripts/more.py\n"
    Path("dvc.yaml").write_text(text.replace("stages:\n", added, 1))

    assert new_model.write_pipeline("north") is True
    assert new_model.write_pipeline("north") is False
    more = read_yaml(Path("models/north/dvc.yaml"))["stages"]["more"]
    assert more["deps"] == ["../../scripts/more.py"]


def test_a_list_of_anything_but_paths_stays_as_it_is() -> None:
    text = (
        "stages:\n  a:\n    outs:\n      - plots: {cache: false}\nplots:\n  - Scores, or residuals for a regression:\n"
    )

    assert pipeline_of_model(text, "mine", "mine").endswith(text)
