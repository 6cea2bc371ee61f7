"""What every command does, whichever it is."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lifecycle import cli

CALL = "from lifecycle import cli; cli.main(['tracking-uri'])"
COMPUTING = {"mlflow", "numpy", "pandas", "pandera", "pyarrow", "scipy", "sklearn", "sqlalchemy"}
UMLAUT = f"from lifecycle.pipeline import commands; commands.tracking_uri = lambda _: print('ü') or 0; {CALL}"


def test_a_reader_that_has_read_enough_is_not_an_error() -> None:
    read, write = os.pipe()
    os.close(read)

    done = call(CALL, stdout=write, stderr=subprocess.PIPE)

    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_knows_ascii_only_is_not_an_error() -> None:
    done = call(UMLAUT, encoding="ascii", stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    assert (done.returncode, done.stdout, done.stderr) == (0, "\\xfc\n", "")


def test_commands_of_every_part_are_there_the_pipeline_and_the_gate_first() -> None:
    modules = cli.command_modules()

    assert modules[:2] == ["lifecycle.pipeline.commands", "lifecycle.gate.commands"]
    assert modules[2:] == sorted(modules[2:])


def test_a_mistake_of_the_user_is_one_line() -> None:
    done = call("from lifecycle import cli; cli.main(['validate', 'nowhere.csv'])", capture_output=True)

    assert done.returncode == 1
    assert done.stderr.startswith("error: nowhere.csv: no such file")
    assert done.stderr.count("\n") == 1


def call(script: str, encoding: str = "utf-8", **kwargs: Any) -> "subprocess.CompletedProcess[str]":
    env = os.environ | {"PYTHONPATH": "src", "PYTHONIOENCODING": encoding}
    return subprocess.run([sys.executable, "-c", script], text=True, env=env, timeout=60, **kwargs)


def test_warnings_of_libraries_are_left_out_and_those_about_the_users_code_are_one_line_each() -> None:
    script = """
import lifecycle, warnings
warnings.warn_explicit("pandas 3 is\\nnot supported", FutureWarning, ".venv/lib/pyspark/pandas/__init__.py", 33)
warnings.warn_explicit("deprecated", FutureWarning, "src/lifecycle/core/tables.py", 3)
warnings.warn_explicit("use\\nmap", FutureWarning, "src/mine/features.py", 12)
"""
    done = call(script, capture_output=True)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "warning: src/mine/features.py, line 12: use map\n"


def test_a_model_that_does_not_converge_is_a_warning_of_one_line() -> None:
    script = """
import lifecycle, numpy
from sklearn.linear_model import LogisticRegression
LogisticRegression(max_iter=1).fit(numpy.random.default_rng(1).normal(size=(99, 9)), [0, 1, 1] * 33)
"""
    done = call(script, capture_output=True)

    assert done.returncode == 0
    assert done.stderr.startswith("warning: lbfgs failed to converge")
    assert done.stderr.count("\n") == 1


def test_what_the_machine_refuses_is_one_line() -> None:
    writing = "from lifecycle.core.files import write_text; from pathlib import Path; "
    command = f"{writing}from lifecycle.pipeline import commands; commands.tracking_uri = lambda _: write_text('', Path('params.yaml/x')); {CALL}"

    done = call(command, capture_output=True)

    assert done.returncode == 2
    assert re.fullmatch(r"error: params\.yaml(/\S+)?: .+: name another place, then run this again\n", done.stderr)


def test_a_full_disk_is_one_line() -> None:
    full = "def full(_): raise OSError(28, 'No space left on device', '.dvc/tmp/gate')\n"
    command = f"{full}from lifecycle.pipeline import commands; commands.tracking_uri = full; {CALL}"

    done = call(command, capture_output=True)

    assert (done.returncode, done.stderr) == (
        2,
        "error: .dvc/tmp/gate: No space left on device: free some space on the disk, then run this again\n",
    )


def test_in_a_subfolder_a_command_says_where_to_run_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("src/lifecycle")

    done = call(f"import sys; sys.path.insert(0, '..'); {CALL}", capture_output=True)

    assert done.returncode == 2
    assert done.stderr.endswith("is a subfolder of the project: run this in its root (cd ../..)\n")


def test_a_traceback_is_printed_before_the_line_if_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFECYCLE_DEBUG", "1")

    done = call("from lifecycle import cli; cli.main(['validate', 'nowhere.csv'])", capture_output=True)

    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.splitlines()[-1].startswith("error: nowhere.csv: no such file")


MODEL = "from lifecycle import cli; cli.main({arguments})"


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--model", "north", "model", "list"], {}),
        (["model", "list", "--model=north"], {}),
        (["model", "list"], {"LIFECYCLE_MODEL": "north"}),
    ],
)
def test_a_model_is_chosen_before_or_behind_the_verb_or_by_the_environment(
    tmp_path: Path, arguments: list[str], variables: dict[str, str]
) -> None:
    done = in_project_with_north(tmp_path, arguments, variables)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: models/north: this command is about all models: leave out the choice of north (--model, MODEL)\n"
    )


def test_a_model_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = in_project_with_north(tmp_path, ["--model", "../north", "model", "list"])

    assert done.returncode == 2
    assert done.stderr == "error: model ../north: no such model (did you mean north?); there are: north\n"


def test_a_file_is_named_from_where_the_command_is_typed(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a\n")

    found = in_project_with_north(tmp_path, ["--model", "north", "contract", "rows.csv"])
    missing = in_project_with_north(tmp_path, ["--model", "north", "contract", "others.csv"])

    assert "../../rows.csv" in found.stderr
    assert "no such file" not in found.stderr
    assert missing.stderr.startswith("error: models/north: ../../others.csv: no such file")


def in_project_with_north(
    folder: Path, arguments: list[str], variables: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """A command in a project with no more than the parameters of two models."""
    for path in (folder / "params.yaml", folder / "models/north/params.yaml"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Path("params.yaml").read_text())
    environment = os.environ | {"PYTHONPATH": str(Path("src").resolve())} | (variables or {})
    command = [sys.executable, "-c", MODEL.format(arguments=arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_the_list_of_commands_needs_no_library_that_takes_long_to_import() -> None:
    script = (
        "import sys\nfrom lifecycle import cli\ntry:\n    cli.main(['--help'])\nexcept SystemExit:\n"
        "    heavy = {'numpy', 'pandas', 'pydantic', 'ruamel.yaml', 'mlflow', 'sklearn', 'requests'}\n"
        "    print('loaded', sorted(heavy & set(sys.modules)))\n"
    )

    done = call(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    assert done.stdout.splitlines()[-1] == "loaded []"


@pytest.mark.parametrize(
    "arguments", [["tracking-uri"], ["model", "list"], ["resolve"], ["deploy", "status"], ["deploy", "stop"]]
)
def test_a_command_that_computes_nothing_loads_no_library_that_computes(arguments: list[str]) -> None:
    assert computing_libraries_loaded_by(arguments) == []


def computing_libraries_loaded_by(arguments: list[str]) -> list[str]:
    """Those that take long to import and that a command has loaded, by whichever way."""
    script = f"""
import sys
from lifecycle import cli
try:
    cli.main({arguments})
except SystemExit:
    print(*sorted({COMPUTING} & set(sys.modules)))
"""
    done = call(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["sing"], "argument COMMAND: invalid choice: 'sing'"),
        (["validate", "a", "b"], "unrecognized arguments: b"),
        (["gate", "--base"], "argument --base: expected one argument"),
    ],
)
def test_a_command_typed_wrongly_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)

    printed = capsys.readouterr().err
    assert end.value.code == 2
    assert printed.startswith(f"error: {complaint}")
    assert printed.endswith(" --help lists what it takes\n")
    assert printed.count("\n") == 1


def test_files_are_found_from_the_folder_that_a_command_was_typed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "north").mkdir(parents=True)
    (tmp_path / "scores").mkdir()
    monkeypatch.chdir(tmp_path / "models" / "north")
    arguments = argparse.Namespace(
        scores="scores", input="s3://bucket/rows", labels=True, tables=[Path("scores")], ids=["a"], count=3, log=None
    )

    cli._find_files(arguments, tmp_path)

    assert vars(arguments) == {
        "scores": "../../scores",
        "input": "s3://bucket/rows",
        "labels": True,
        "tables": [Path("../../scores")],
        "ids": ["a"],
        "count": 3,
        "log": None,
    }
