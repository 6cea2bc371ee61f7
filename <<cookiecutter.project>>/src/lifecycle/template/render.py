"""Rendering a version of the template as a scaffold of it is, without running its hooks."""

import json
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ConfigError
from lifecycle.template.source import Version, prompts


def render(version: Version, answers: dict[str, Any], folder: Path) -> tuple[Path, dict[str, Any]]:
    """Render a version into a folder, without the parts that the answers leave out.

    Returns the folder of the project, and what it was rendered with: the answer to every prompt of that version, and settings of
    cookiecutter, whose names start with `_`. Raises ConfigError if the version does not take these answers.
    """
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter

    answers = {name: answer for name, answer in answers.items() if name in prompts(version)}
    folder.mkdir(parents=True)
    settings = folder / "cookiecutter.yaml"  # instead of the user's, whose default answers are for new projects
    settings.write_text(
        f"cookiecutters_dir: {folder / 'templates'}\nreplay_dir: {folder / 'replay'}\n", encoding="utf-8"
    )
    try:
        project = cookiecutter(
            str(version.folder),
            no_input=True,
            extra_context=answers,
            output_dir=str(folder),
            config_file=str(settings),
            accept_hooks=False,
        )
    except (CookiecutterException, ValueError) as error:
        raise ConfigError(f"template {version.name} cannot be rendered with these answers: {error}") from None
    (replay,) = (folder / "replay").iterdir()  # what cookiecutter has rendered with, defaults included
    context: dict[str, Any] = json.loads(replay.read_text(encoding="utf-8"))["cookiecutter"]
    if message := _complaint(version, context):
        raise ConfigError(f"template {version.name}: {message}")
    _drop(version, context, Path(project))
    return Path(project), context


def _complaint(version: Version, context: dict[str, Any]) -> str | None:
    """What the version's own hook finds wrong with the answers."""
    hook = _hook(version, "pre_gen_project", context)
    # The table was taken into the repo when it was made, and may be anywhere now.
    message: str | None = hook["complaint"]({**context, "data": "", "target": ""})
    return message


def _drop(version: Version, context: dict[str, Any], project: Path) -> None:
    """Remove what the answers leave out, with the function by which the hook of that version does it."""
    hook = _hook(version, "post_gen_project", context)
    if "drop" in hook:
        hook["drop"](project, context)
    elif "drop_parts" in hook:  # until 0.3
        hook["drop_parts"](project, {name for name in hook["PARTS"] if context[name]})


def _hook(version: Version, name: str, context: dict[str, Any]) -> dict[str, Any]:
    """Return the functions of a hook, which has the answers filled in."""
    from cookiecutter.utils import create_env_with_context
    from jinja2 import TemplateError

    path = version.folder / "hooks" / f"{name}.py"
    variables = {"cookiecutter": context}
    functions: dict[str, Any] = {"__name__": name}
    try:
        source = create_env_with_context(variables).from_string(path.read_text(encoding="utf-8")).render(**variables)
        exec(compile(source, str(path), "exec"), functions)
    except (TemplateError, SyntaxError, OSError) as error:
        raise ConfigError(f"template {version.name}: hooks/{name}.py cannot be used: {error}") from None
    return functions
