"""Drop the parts that were not chosen, then commit the project: in a git repository of its own, or in the one that it lies in.

Standard library only, no network.
"""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ANSWERS = json.loads(r"""<< cookiecutter | tojson >>""")

# What belongs to a part as a whole. Lines that belong to one in files that every repo has (README.md, pyproject.toml, .gitignore,
# workflows) stand behind a condition there.
PARTS = {
    "registry": [
        "src/lifecycle/registry",
        "src/lifecycle/core/times.py",
        "src/lifecycle/core/version_loading.py",
        "compose.yaml",
        "docs/releases.md",
        "docs/tracking-server.md",
        ".github/workflows/release.yml",
        ".github/workflows/rollback.yml",
    ],
    "serving": [
        "src/lifecycle/serving",
        "src/lifecycle/prediction_log",
        "src/lifecycle/forget",
        "src/lifecycle/core/row_model.py",
        "serving.yaml",
        "docs/serving.md",
        "Dockerfile",
        ".dockerignore",
        "kubernetes",
        "prometheus",
    ],
    "batch": ["src/lifecycle/batch", "batch.yaml", "docs/batch-scoring.md", ".github/workflows/score.yml"],
    "monitoring": [
        "src/lifecycle/monitoring",
        "src/lifecycle/prediction_log/refusals.py",
        "monitoring.yaml",
        "docs/monitoring.md",
        ".github/workflows/monitor.yml",
        "scripts/drift_demo.py",
        "scripts/drift_demo.mk",
    ],
    "retraining": [
        "src/lifecycle/retraining",
        "src/lifecycle/prediction_log/labelled_rows.py",
        "retraining.yaml",
        "docs/retraining.md",
        ".github/workflows/retrain.yml",
        "scripts/drift_demo.py",
        "scripts/drift_demo.mk",
    ],
}
# What goes when none of the parts that use it is chosen.
SHARED = {"src/lifecycle/core/score_distances.py": {"serving", "batch"}}
# What belongs to the service that judges pull requests.
CI = {
    "github": [".github", "scripts/post_pull_request_comment.py", "scripts/root_workflows.py"],
    "gitlab": [".gitlab-ci.yml", "scripts/post_merge_request_note.py"],
}
# Packages of requirements.txt that nothing but the extra of a part needs.
PACKAGES = {
    "registry": """
        asn1crypto blake3 boto3 dnspython email-validator httptools id in-toto-attestation model-signing psycopg psycopg-binary pyopenssl
        rfc3161-client rfc8785 s3transfer securesystemslib sigstore sigstore-models sigstore-rekor-types tuf uvloop watchfiles websockets
    """,
    "serving": """
        httptools opentelemetry-exporter-http-transport opentelemetry-exporter-otlp-common opentelemetry-exporter-otlp-proto-common
        opentelemetry-exporter-otlp-proto-http prometheus-client uvloop
    """,
    "batch": "py4j pyspark",
    "monitoring": """
        defusedxml deprecation dynaconf evidently faker formulaic httpcore httptools httpx interface-meta litestar litestar-htmx
        msgspec multipart nltk patsy plotly polyfactory regex rich-click shellingham sniffio statsmodels tenacity typer ujson uuid6
        uvloop watchdog watchfiles websockets
    """,
    "retraining": "",
}


def remove(root: Path, names: list[str]) -> None:
    for path in sorted({root / name for name in names}):  # a folder before what lies in it
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def drop_parts(root: Path, chosen: set[str]) -> None:
    """Remove the files, and the packages of requirements.txt, of the parts of a rendered project that are not chosen."""
    remove(root, [path for part, of_part in PARTS.items() if part not in chosen for path in of_part])
    remove(root, [path for path, users in SHARED.items() if not users & chosen])
    needed = {name for part in chosen for name in PACKAGES[part].split()}
    dropped = {name for names in PACKAGES.values() for name in names.split()} - needed
    lock = root / "requirements.txt"
    packages = re.split(r"^(?=[a-z0-9])", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lock.write_text("".join(text for text in packages if re.split(r"[=\[]", text)[0] not in dropped), encoding="utf-8")


def drop_sample(root: Path) -> None:
    """Remove the files of the sample."""
    listed = root / ".sample-files"
    remove(root, [*listed.read_text(encoding="utf-8").split(), listed.name])


def drop(root: Path, answers: dict[str, Any]) -> None:
    """Remove from a rendered project what its answers leave out. `make template-update` calls this on its renders as well."""
    drop_parts(root, {part for part in PARTS if answers[part]})
    remove(root, [path for service, paths in CI.items() if service != answers["ci"] for path in paths])
    if answers["data"]:
        drop_sample(root)


def remember_table(root: Path, data: str, target: str) -> None:
    """Note which table `make setup` makes the project about."""
    pending = root / ".dvc/tmp/adopt.json"
    pending.parent.mkdir(parents=True, exist_ok=True)
    table = Path(os.environ.get("PWD", "."), Path(data).expanduser())
    pending.write_text(json.dumps({"data": str(table), "target": target}) + "\n", encoding="utf-8")


def record(tree: str) -> dict[str, Any]:
    """Return what `make template-update` needs to know of this render: the template, the answers, and git's hash of the files."""
    started_in = Path(os.environ.get("PWD", "."))
    address, template = ANSWERS["_template"], started_in / ANSWERS["_repo_dir"]
    pyproject = template / "pyproject.toml"
    version = re.search(
        r'^version = "(.+)"', pyproject.read_text(encoding="utf-8") if pyproject.exists() else "", re.MULTILINE
    )
    return {
        "template": os.path.abspath(started_in / address) if (started_in / address).exists() else address,
        "version": version and version[1],
        "commit": git("rev-parse", "HEAD", folder=template) if (template / ".git").exists() else None,
        "cookiecutter": importlib.metadata.version("cookiecutter"),
        "answers": {name: answer for name, answer in ANSWERS.items() if not name.startswith("_")},
        "tree": tree,
    }


def git(*arguments: str, folder: Path = Path()) -> str:
    # A scaffold must not depend on where it is run: an outer repository's variables, the user's hooks, signing and list of
    # ignored files stay out of it. The project's own .gitignore holds.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_AUTHOR_NAME": ANSWERS["author"], "GIT_AUTHOR_EMAIL": ANSWERS["email"]}
    environment |= {"GIT_COMMITTER_NAME": ANSWERS["author"], "GIT_COMMITTER_EMAIL": ANSWERS["email"]}
    settings = ("-c", "core.hooksPath=/dev/null", "-c", "core.excludesFile=/dev/null")
    command = ["git", *settings, *arguments]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit("Cannot generate the project: git is not installed; install it and run the same command again.")
    if done.returncode:
        sys.exit(f"Cannot generate the project: git {arguments[0]} failed: {' '.join(done.stderr.split())}")
    return done.stdout.strip()


def outer_folder() -> str:
    """Return the folder of the project in the repository that it lies in, such as `churn/`; nothing if it needs one of its own.

    It does in no repository, and in one that ignores the folder.
    """
    try:
        prefix = git("rev-parse", "--show-prefix")
    except SystemExit:
        return ""
    try:
        git("check-ignore", "--quiet", ".")
    except SystemExit:
        return prefix
    return ""


def refuse_unfinished() -> None:
    """Stop while the outer repository is in the middle of a merge or the like: git could not commit the project alone."""
    for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD"):
        if Path(git("rev-parse", "--git-path", name)).exists():
            operation = name.removesuffix("_HEAD").lower().replace("_", "-")
            sys.exit(
                f"Cannot generate the project: a {operation} is in progress in the repository around it: finish it first."
            )


def store_beside(folder: str) -> None:
    """Put DVC's storage beside the outer repository, not into it, unless the user has said where it is to be."""
    default = f"../{ANSWERS['project']}-dvc-storage"
    if ANSWERS["remote_url"] == default:
        settings = Path(".dvc/config")
        text, outside = settings.read_text(encoding="utf-8"), "../" * len(Path(folder).parts) + default
        settings.write_text(text.replace(default, outside), encoding="utf-8")


if __name__ == "__main__":
    drop(Path(), ANSWERS)
    if ANSWERS["data"]:
        remember_table(Path(), ANSWERS["data"], ANSWERS["target"])
    outer = "" if Path(".git").exists() else outer_folder()
    store_beside(outer)
    if Path(".git").exists() or (outer and git("ls-files")):
        # `cookiecutter -f`: what changed is for its owner to look at
        print(f"\n{ANSWERS['project']} was in a git repository already: nothing was committed.")
        print(
            f"`git status` and `git diff` in {ANSWERS['project']} show what the template changed; `git restore FILE` undoes it.\n"
        )
        sys.exit()
    if outer:
        refuse_unfinished()
    else:
        git("init", "--quiet", "--initial-branch=main")
    git("add", "--all", "--", ".")
    tree = git("write-tree", f"--prefix={outer}")
    git("update-ref", f"refs/template/{tree}", tree)  # `make template-update` compares with it if the template has gone
    Path(".template.json").write_text(json.dumps(record(tree), indent=2) + "\n", encoding="utf-8")
    git("add", "--", ".template.json")
    git("commit", "--quiet", "--no-gpg-sign", "--message", f"Scaffold {ANSWERS['project']}", "--", ".")
    branch = git("branch", "--show-current") or "a detached HEAD"
    place = f"committed on {branch} of the repository that it lies in" if outer else f"with a first commit on {branch}"
    print(f"\n{ANSWERS['project']} is ready, {place}. Next:\n")
    print(f"    cd {ANSWERS['project']}")
    print("    make setup repro")
    if outer and ANSWERS["ci"] == "github":
        print("    make workflows  # GitHub reads them at the root of the repository only")
