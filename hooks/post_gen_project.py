"""Make the generated folder a git repository with a first commit. Standard library only, no network."""

import json
import os
import subprocess
import sys

ANSWERS = json.loads(r"""<< cookiecutter | tojson >>""")


def git(*arguments: str) -> None:
    # A scaffold must not depend on where it is run: an outer repository's variables, hooks and signing stay out of it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_AUTHOR_NAME": ANSWERS["author"], "GIT_AUTHOR_EMAIL": ANSWERS["email"]}
    environment |= {"GIT_COMMITTER_NAME": ANSWERS["author"], "GIT_COMMITTER_EMAIL": ANSWERS["email"]}
    command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit("Cannot generate the project: git is not installed; install it and run the same command again.")
    if done.returncode:
        sys.exit(f"Cannot generate the project: git {arguments[0]} failed: {' '.join(done.stderr.split())}")


if __name__ == "__main__":
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all", "--force")
    git("commit", "--quiet", "--no-gpg-sign", "--message", f"Scaffold {ANSWERS['project']}")
    print(f"\n{ANSWERS['project']} is ready, with a first commit on main. Next:\n")
    print(f"    cd {ANSWERS['project']}")
    print("    make setup repro")
