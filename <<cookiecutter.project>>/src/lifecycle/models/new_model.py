"""A further model, which starts as a copy of the settings at the top."""

import os
import re
import shutil
from pathlib import Path

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_text, write_text
from lifecycle.core.home import SRC
from lifecycle.core.model_folders import folder_of, is_name, is_own_file, names_here
from lifecycle.models.pipeline_file import pipeline_of_model

PIPELINE = Path("dvc.yaml")
WRITTEN = {"params.yaml", "dvc.yaml"}
"""Not simply copied."""
IGNORES = re.compile(r"^/(?!mlflow|mlartifacts).*$", flags=re.MULTILINE)
PORT = re.compile(r"(?<=http://127\.0\.0\.1:)\d+")
PORTS = 10  # from one model's servers to the next one's


def add(name: str, package: str | None) -> Path:
    """Make the folder of a further model. Returns it.

    Args:
        name: of the model.
        package: the user's package that it runs, a copy of the one at the top if there is none of this name; None: the one at
            the top itself.

    Raises ConfigError if the name cannot be one, or there is such a folder already.
    """
    folder = folder_of(name)
    if not is_name(name):
        raise ConfigError(f"model {name}: a name has small letters, digits and hyphens, and begins with a letter")
    if folder.exists():
        raise ConfigError(f"{folder} is there already")
    top = config.load()
    if package and not re.fullmatch(r"[a-z_][a-z0-9_]*", package):
        raise ConfigError(f"--package {package}: not a name that Python can import")
    if package and not (SRC / package).exists():
        _copy_package(top.package, package)
    number = len(names_here()) + 1
    for path in sorted(Path().glob("*.yaml")):
        if is_own_file(str(path)) and str(path) not in WRITTEN:
            write_text(_with_ports(read_text(path), number), folder / path)
    for path in (*Path("data").glob("*/.gitignore"), Path("models/.gitignore")):
        write_text("" if path.parent.name == "raw" else read_text(path), folder / path)
    write_text("\n".join(IGNORES.findall(read_text(Path(".gitignore")))) + "\n", folder / ".gitignore")
    write_text(params_of_model(read_text(config.PARAMS), name, package or top.package), folder / config.PARAMS)
    write_pipeline(name)
    return folder


def params_of_model(text: str, name: str, package: str) -> str:
    """Return the params.yaml of a model that starts with the table at the top, from the text of the one there."""
    text = _replace(text, r"^package: *(\S+)", package)
    raw = re.search(r"^  raw: *(\S+)", text, flags=re.MULTILINE)
    if raw:
        text = _replace(text, r"^  raw: *(\S+)", os.path.relpath(raw[1].strip("\"'"), folder_of(name)))
    experiment = re.search(r"^  experiment: *[\"']?([^\s\"']+)", text, flags=re.MULTILINE)
    if not raw or not experiment:
        raise ConfigError(f"{config.PARAMS}: data.raw and track.experiment must stand on lines of their own")
    return _replace(text, r"^  experiment: *([\"']?[^\s\"']+[\"']?)", f'"{experiment[1].rstrip("/")}-{name}"')


def write_pipeline(name: str) -> bool:
    """Write dvc.yaml of a model from the one at the top. Returns whether that changes it."""
    from lifecycle.adopt.repo_files import plots

    path = folder_of(name) / PIPELINE
    params = config.load(folder_of(name) / config.PARAMS)
    text = pipeline_of_model(read_text(PIPELINE), config.load().package, params.package)
    text = plots(text, params.task)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != before:
        write_text(text, path)
    return text != before


def _copy_package(package: str, copy: str) -> None:
    """Copy the user's package under another name, also where its modules import each other by name."""
    shutil.copytree(SRC / package, SRC / copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (SRC / copy).rglob("*.py"):
        text = read_text(path)
        write_text(re.sub(rf"^(\s*(?:from|import) ){package}\b", rf"\g<1>{copy}", text, flags=re.MULTILINE), path)


def _with_ports(text: str, number: int) -> str:
    """Settings whose servers on this machine have ports of their own."""
    return PORT.sub(lambda port: str(int(port[0]) + PORTS * number), text)


def _replace(text: str, pattern: str, value: str) -> str:
    """The text with another value where the pattern's group is."""
    match = re.search(pattern, text, flags=re.MULTILINE)
    return text if match is None else text[: match.start(1)] + value + text[match.end(1) :]
