"""Reject answers that would render a broken repo, before a file is written: one line, exit code 2."""

import json
import keyword
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ANSWERS = json.loads(r"""<< cookiecutter | tojson >>""")

SCHEMES = {"s3": "s3://", "gs": "gs://", "azure": "azure://", "ssh": "ssh://"}
NEEDS = {
    "serving": ["registry"],
    "batch": ["registry"],
    "monitoring": ["registry", "serving"],
    "retraining": ["registry", "serving"],
}
TRACKING_SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks")
# Import names in a generated environment, extras included: a package of the same name would hide one of them.
IMPORTED = set(
    """
    adlfs aiobotocore aiohappyeyeballs aiohttp aiohttp_retry aiosignal alembic amqp annotated_doc annotated_types
    antlr4 anyio appdirs arrow ast_serialize asyncssh attr attrs azure billiard binaryornot blinker boto3 botocore cachetools celery
    certifi cffi charset_normalizer click click_didyoumean click_plugins click_repl cloudpickle colorama configobj
    contourpy cookiecutter cryptography cycler databricks dateutil dictdiffer diskcache distro docker dotenv dpath
    dulwich dvc dvc_data dvc_http dvc_objects dvc_render dvc_studio_client dvc_task dynaconf entrypoints evidently
    fastapi filelock flask flask_cors flatten_dict flufl fonttools frozenlist fsspec funcy gcsfs git gitdb google
    grandalf graphene graphql graphql_relay gto gunicorn h11 httptools httpx huey hydra idna importlib_metadata iniconfig
    iterative_telemetry itsdangerous jinja2 joblib kiwisolver kombu librt litestar mako markdown_it markupsafe
    matplotlib mdurl mlflow mpl_toolkits multidict mypy mypy_extensions mypyc narwhals networkx nltk numpy omegaconf
    opentelemetry orjson packaging pandas pandera pathspec pil pip pkg_resources platformdirs plotly pluggy
    prettytable prometheus_client prompt_toolkit propcache psutil psycopg psycopg_binary public py py4j pyarrow pyarrow_hotfix pyasn1
    pyasn1_modules pycparser pydantic pydantic_core pydantic_settings pydevd_plugins pydot pygit2 pygments pygtrie pylab pyparsing
    pyspark pytest requests rich ruamel ruff s3fs scipy scmrepo semver setuptools shortuuid shtab six sklearn slugify skops
    smmap sqlalchemy sqlparse sqltrie sshfs starlette statsmodels tabulate text_unidecode threadpoolctl tomlkit tqdm typeguard
    typer typing_extensions typing_inspect typing_inspection tzdata tzlocal ujson urllib3 uv uvicorn uvloop validate vine
    voluptuous watchdog watchfiles wcwidth websockets werkzeug yaml yarl zc zipp
    """.split()  # noqa: SIM905
)
DISTRIBUTIONS = IMPORTED | {"scikit-learn", "ruamel.yaml"}


def complaint(answers: dict[str, Any]) -> str | None:
    """Return what is wrong with the first bad answer and what to do, or None."""
    for name in (
        "project",
        "package",
        "data",
        "target",
        "description",
        "author",
        "email",
        "remote_url",
        "tracking_uri",
    ):
        if any(ord(c) < 32 or ord(c) == 127 for c in answers[name]):
            return f"{name} holds a control character: type it again without line breaks or tabs"
        if name not in ("data", "target") and (found := [c for c in '"\\' if c in answers[name]]):
            return f"{name} holds {found[0]}, which would break a TOML or YAML string: leave it out"
    for name in ("project", "package", "description", "author"):
        if not answers[name].strip():
            return f"{name} is empty: give it a value"

    if set(answers["author"]) & set("<>") or not any(c.isalnum() for c in answers["author"]):
        return f"author {answers['author']!r} is not a name git takes: write it in letters, without < and >"

    project, package = answers["project"], answers["package"]
    if len(project) > 80 or len(package) > 80:
        return "project and package may have 80 characters at most: shorten the name"
    if not re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?", project):
        return f"project {project!r} is not a distribution name: use letters, digits, '-', '_' and '.', ending in a letter or digit"
    if re.sub(r"[-_.]+", "-", project).lower() in {re.sub(r"[-_.]+", "-", name) for name in DISTRIBUTIONS}:
        return f"project {project!r} is the name of a package this project installs: choose another"
    if not package.isascii() or not package.isidentifier():
        return f"package {package!r} is not an import name: use lower-case letters, digits and '_', not starting with a digit"
    if package != package.lower():
        return f"package {package!r} has capitals: use lower case"
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        return f"package {package!r} is a Python keyword: choose another"
    if (
        package in sys.stdlib_module_names
        or package in IMPORTED
        or package in {"lifecycle", "tests", "src", "test", "sitecustomize", "usercustomize"}
        or package.startswith("_")
    ):
        return f"package {package!r} shadows a package that the project imports: choose another"
    if not re.fullmatch(r"[^@\s,;:()\[\]<>']+@[^@\s,;:()\[\]<>']+", answers["email"]):
        return f"email {answers['email']!r} is not an address: write name@host"

    remote, url = answers["remote"], answers["remote_url"]
    if url != url.strip() or not url:
        return (
            f"remote_url is {'empty' if not url.strip() else 'padded with blanks'}: remote {remote!r} needs an address"
        )
    if remote == "local" and "://" in url:
        return f"remote_url {url!r} is not a folder: choose the remote that fits it, or name a folder"
    if found := [c for c in "#;,='%[]" if c in url]:
        return f"remote_url {url!r} holds {found[0]}, which a DVC config file cannot carry: use another place"
    if remote != "local" and not re.fullmatch(rf"{SCHEMES[remote]}[^\s/]+(/\S*)?", url):
        return f"remote_url {url!r} does not fit remote {remote!r}: it starts with {SCHEMES[remote]} and names a place"
    uri = answers["tracking_uri"]
    if not re.fullmatch(rf"({'|'.join(TRACKING_SCHEMES)})(\+\w+)?:[^\s#']+", uri):
        return f"tracking_uri {uri!r} is not one MLflow takes: write sqlite:///file.db or http(s)://host:port"

    data, target = answers["data"], answers["target"]
    if data and not target.strip():
        return "target is empty: name the column of your table to predict"
    if target and not data.strip():
        return f"target {target!r} is given without data: name your table, or leave both empty for the sample"
    if data and not (path := Path(os.environ.get("PWD", "."), Path(data).expanduser())).exists():
        return f"data {str(path)!r} does not exist: name a CSV or Parquet file, or leave it empty for the sample"

    for part, needed in NEEDS.items():
        if answers[part] and (missing := [name for name in needed if not answers[name]]):
            return f"{part} needs {missing[0]}: answer yes to {missing[0]}, or no to {part}"
    return None


def unsaved() -> str | None:
    """Return why the template could lose what is in the folder (`cookiecutter -f`), or None: git brings back what is committed."""
    if {path.name for path in Path().iterdir()} <= {".git"}:
        return None
    project, outputs = ANSWERS["project"], []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for arguments in (["ls-files"], ["status", "--porcelain", "--untracked-files=normal", "--", "."]):
        try:
            done = subprocess.run(["git", *arguments], env=environment, capture_output=True, text=True)
        except FileNotFoundError:
            return "git is not installed; install it and run the same command again"
        if done.returncode:
            reason = " ".join(done.stderr.split())
            return f"{project} holds files that git could not bring back ({reason}): commit them there, or choose another name"
        outputs.append(done.stdout.splitlines())
    tracked, changed = outputs
    if changed or not tracked:
        example = f", such as {changed[0][3:]}" if changed else ""
        return f"{project} holds files that are not committed{example}, and the template could overwrite them: commit them first"
    return None


if __name__ == "__main__":
    if message := complaint(ANSWERS) or unsaved():
        print(f"Cannot generate the project: {message}.", file=sys.stderr)
        sys.exit(2)
