"""Make .venv as requirements.txt says, or mend it: python3 scripts/make_venv.py EXTRAS

`make setup` runs this with the Python that .venv is to have. Standard library only, and any Python 3 can read it, so that it can refuse one.
"""

# ruff: noqa: UP031 (f-strings are not read by every Python 3)

import os
import re
import shutil
import subprocess
import sys

VENV = ".venv"
MINOR = "%d.%d" % sys.version_info[:2]
SAME_PYTHON = "import sys; sys.exit(sys.version_info[:3] != %r or sys.base_prefix != %r)"
LOCK, RESULTS, PYTHON_VERSION = "requirements.txt", "dvc.lock", ".python-version"


def main(extras):
    check_python()
    check_place()
    made = made_for_this_python()
    if not made and os.path.lexists(VENV):
        print(".venv was not finished, was moved, or is of another Python: making it anew with Python " + MINOR)
        os.unlink(VENV) if os.path.islink(VENV) else shutil.rmtree(VENV)
    stamp = os.path.join(VENV, ".setup-" + extras)
    if made and newer(stamp, "pyproject.toml", LOCK, PYTHON_VERSION) and as_locked():
        return
    print("installing into .venv ...", flush=True)
    if not made:
        run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", VENV)  # not the one of the old .venv
    write_python_version()
    pinned_uv = re.search(r"^uv==\S+", read(LOCK), re.MULTILINE)
    run(
        venv("python"), "-m", "pip", "install", "--no-user", "--quiet", "--disable-pip-version-check", pinned_uv.group()
    )
    run(venv("uv"), "pip", "install", "--quiet", "--python", VENV, "--constraint", LOCK, "--editable", ".[%s]" % extras)
    if not os.path.exists(RESULTS):
        run(venv("python"), "-P", "-m", "lifecycle.cli", "environment")
        commit_if_adopting()
    open(stamp, "w").close()


def check_python():
    """Refuse a Python that is too old, or another than the results were computed with."""
    oldest = re.search(r'^requires-python = ">=(\d+)\.(\d+)"', read("pyproject.toml"), re.MULTILINE)
    if sys.version_info[:2] < tuple(map(int, oldest.groups())):
        stop("Python %s.%s or newer is needed, and %s is %s: make setup PYTHON=python%s.%s"
             % (*oldest.groups(), sys.executable, MINOR, *oldest.groups()))  # fmt: skip
    locked = read(PYTHON_VERSION).strip()
    if os.path.exists(RESULTS) and not re.match(re.escape(MINOR) + r"(\.|$)", locked):
        stop("the results were computed with Python %s (.python-version), and %s is %s: make setup PYTHON=python%s, or "
             "echo %s > .python-version && make setup environment repro"
             % (locked, sys.executable, MINOR, locked, MINOR))  # fmt: skip


def check_place():
    """Refuse a folder in which MLflow cannot have its SQLite file, before anything is installed into it."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or re.search(r'tracking_uri: "?([^"\s]*)', read("params.yaml")).group(1)
    characters = [character for character in "%?" if character in os.getcwd()]
    if characters and uri.startswith("sqlite:"):
        stop("%s: MLflow cannot use a path that holds %s: rename the folder, then make setup"
             % (os.getcwd(), characters[0]))  # fmt: skip


def write_python_version():
    """Note this Python if there are no results yet that another one has computed."""
    if not re.match(re.escape(MINOR) + r"(\.|$)", read(PYTHON_VERSION).strip()):
        with open(PYTHON_VERSION, "w") as file:
            file.write(MINOR + "\n")
        print("wrote %s into .python-version: results are computed with this Python from now on" % MINOR)


def commit_if_adopting():
    """Commit the versions if `make setup` goes on with a table, which needs a repo without uncommitted changes."""
    changed = subprocess.call(["git", "diff", "--quiet", "HEAD", "--", PYTHON_VERSION, "environment.yaml"])
    if changed and os.path.exists(".dvc/tmp/adopt.json"):
        author = subprocess.check_output(
            ["git", "log", "-1", "--format=%an%n%ae"], universal_newlines=True
        ).splitlines()
        identity = ["-c", "user.name=" + author[0], "-c", "user.email=" + author[1], "-c", "core.hooksPath=/dev/null"]
        message = ["--quiet", "--no-gpg-sign", "--message", "Compute with Python " + MINOR]
        run("git", *identity, "commit", *message, "--", PYTHON_VERSION, "environment.yaml")


def made_for_this_python():
    """Return whether .venv is complete, made where it lies, and its interpreter the one that runs this."""
    if not os.path.exists(venv("pip")):
        return False
    made_in = re.search(r"(/.*)/bin/python", read(venv("pip")))  # of a script, which a moved folder leaves behind
    if not made_in or not os.path.exists(made_in.group(1)) or not os.path.samefile(made_in.group(1), VENV):
        return False
    same = [venv("python"), "-c", SAME_PYTHON % (tuple(sys.version_info[:3]), sys.base_prefix)]
    return os.access(venv("python"), os.X_OK) and subprocess.call(same) == 0


def as_locked():
    """Return whether the packages that results are computed with are installed in the versions of the lock."""
    command = [venv("python"), "-m", "lifecycle.core.package_versions"]
    done = subprocess.run(command, env=dict(os.environ, PYTHONPATH="src"), stderr=subprocess.PIPE)
    return b": make setup" not in done.stderr


def newer(path, *others):
    return os.path.exists(path) and all(os.path.getmtime(path) >= os.path.getmtime(other) for other in others)


def venv(command):
    return os.path.join(VENV, "bin", command)


def run(*command):
    code = subprocess.call(command)
    if code:
        sys.exit(code)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def stop(message):
    sys.stderr.write("error: " + message + "\n")
    sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1])
