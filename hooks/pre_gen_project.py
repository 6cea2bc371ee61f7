"""Reject answers that would render a broken repo, before a file is written: one line, exit code 2."""

import json
import keyword
import re
import sys

ANSWERS = json.loads(r"""<< cookiecutter | tojson >>""")

SCHEMES = {"s3": "s3://", "gs": "gs://", "azure": "azure://", "ssh": "ssh://"}
TRACKING_SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks")
IMPORTED = {
    "azure", "cookiecutter", "dvc", "evidently", "fastapi", "filelock", "google", "matplotlib", "mlflow", "mypy",
    "numpy", "pandas", "pandera", "pyarrow", "pydantic", "pyspark", "pytest", "requests", "ruamel", "ruff", "s3fs",
    "scipy", "skops", "sklearn", "sqlalchemy", "threadpoolctl", "tqdm", "typing_extensions", "uvicorn", "yaml",
}  # fmt: skip
DISTRIBUTIONS = IMPORTED | {"scikit-learn", "ruamel.yaml"}


def complaint(answers: dict[str, str]) -> str | None:
    """Return what is wrong with the first bad answer and what to do, or None."""
    for name in ("project", "package", "description", "author", "email", "remote_url", "tracking_uri"):
        if any(ord(c) < 32 or ord(c) == 127 for c in answers[name]):
            return f"{name} holds a control character: type it again without line breaks or tabs"
        if found := [c for c in '"\\' if c in answers[name]]:
            return f"{name} holds {found[0]}, which would break a TOML or YAML string: leave it out"
    for name in ("project", "package", "description", "author"):
        if not answers[name].strip():
            return f"{name} is empty: give it a value"

    if set(answers["author"]) & set("<>"):
        return "author holds < or >, which git keeps for e-mail addresses: give the name alone"

    project, package = answers["project"], answers["package"]
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
    if package in sys.stdlib_module_names or package in IMPORTED or package in {"tests", "src", "test"}:
        return f"package {package!r} shadows a package that the project imports: choose another"
    if not re.fullmatch(r"[^@\s,;:()\[\]]+@[^@\s,;:()\[\]]+", answers["email"]):
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
    return None


if __name__ == "__main__":
    if message := complaint(ANSWERS):
        print(f"Cannot generate the project: {message}.", file=sys.stderr)
        sys.exit(2)
