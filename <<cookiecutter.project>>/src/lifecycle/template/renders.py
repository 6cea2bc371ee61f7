"""Two renders as commits of a repository of their own, from which the user's repo fetches them."""

import tarfile
from io import BytesIO
from pathlib import Path

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import git, identity, run

REF = "refs/template/update"
SETTINGS = ("-c", "core.bare=false", "-c", "core.excludesFile=/dev/null", "-c", "core.autocrlf=false")


class Renders:
    """A bare repository in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        git("init", "--quiet", "--bare", str(self.folder))

    def tree(self, render: Path) -> str:
        """Return git's hash of a render, as the hook of the template computes it."""
        self._git(render, "add", "--all", "--", ".", ":!.dvc/tmp")
        return self._git(render, "write-tree")

    def commit(self, old: Path, new: Path, message: str) -> str:
        """Commit a render on top of another one. Returns the commit, which is in the user's repo then."""
        parent = self._git(old, "commit-tree", self.tree(old), "-m", "The template as this repo was made from it")
        commit = self._git(new, "commit-tree", self.tree(new), "-p", parent, "-m", message)
        self._publish(commit, REF)
        return commit

    def difference(self, old: Path, new: Path) -> list[str]:
        """Return the paths of the files that differ."""
        return git(f"--git-dir={self.folder}", "diff", "--name-only", self.tree(old), self.tree(new)).splitlines()

    def keep(self, tree: str) -> None:
        """Keep a render in the user's repo, for an update that can no longer get it from the template."""
        self._publish(tree, f"refs/template/{tree}")

    def _publish(self, name: str, ref: str) -> None:
        git(f"--git-dir={self.folder}", "update-ref", ref, name)
        git("fetch", "--quiet", "--no-write-fetch-head", str(self.folder), f"+{ref}:{ref}")

    def _git(self, render: Path, *arguments: str) -> str:
        places = (f"--git-dir={self.folder}", f"--work-tree={render.absolute()}")
        return git(*places, *SETTINGS, *identity(), *arguments, folder=render).strip()


def stored(tree: str, folder: Path) -> Path | None:
    """Extract a render that the user's repo holds into a folder, and return it; None if it does not hold it.

    It is kept since the scaffold or the last update; else the first commit of a scaffold consists of it.
    """
    for commit in git("rev-list", "--max-parents=0", "HEAD").split():
        entries = git("ls-tree", "-z", commit).split("\0")
        render = "\0".join(entry for entry in entries if not entry.endswith("\t.template.json"))
        git("mktree", "-z", stdin=render)
    try:
        archive = run("archive", "--format=tar", tree).stdout
    except ConfigError:
        return None
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="fully_trusted")
    return folder
