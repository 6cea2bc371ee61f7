"""Outputs of the pipeline that DVC has and git has not: what a commit's dvc.lock says of them, and the files themselves."""

from contextlib import suppress
from pathlib import Path

from lifecycle.core.dvc import cache_folder, dvc
from lifecycle.core.dvc_files import Stage, Stages, pipeline_of, stages_at
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import file_hash
from lifecycle.core.git import project_folder, text_at
from lifecycle.core.home import TEMPORARY
from lifecycle.core.worktree import worktree


def stages_of_pipeline(commit: str) -> Stages:
    """Return what a commit's dvc.lock has of the stages in its dvc.yaml, by name: it may also have some of another time."""
    pipeline = pipeline_of(text_at(commit, Path("dvc.yaml")), f"dvc.yaml of commit {commit[:9]}")
    several = {name for name, stage in pipeline.items() if stage.keys() & {"foreach", "matrix"}}
    return {
        name: stage
        for name, stage in stages_at(commit).items()
        if name in pipeline or name.partition("@")[0] in several
    }


def output_at(commit: str, path: Path) -> Path | None:
    """Return the file of an output at a commit, from DVC's cache or its remote; None if neither has it as dvc.lock names it."""
    outs = [out for stage in stages_of_pipeline(commit).values() for out in stage.get("outs", [])]
    md5 = next((out.get("md5") for out in outs if out["path"] == str(path)), None)
    return file_of(md5, path, commit) if md5 else None


def file_of(md5: str, path: Path, commit: str) -> Path | None:
    """Return the file that has a hash: from DVC's cache, else from its remote, where it is the output `path` of a commit.

    None if neither has it, or what they have has another hash.
    """
    cached = cache_folder() / "files" / "md5" / md5[:2] / md5[2:]
    if not cached.exists() and project_folder() != Path():  # where `dvc get` does not find a project at a revision
        with worktree(commit, TEMPORARY / md5) as folder:
            dvc("fetch", "--quiet", str(path), folder=folder)
    elif not cached.exists():
        cached = TEMPORARY / f"{md5}{path.suffix}"
        dvc("get", ".", str(path), "--rev", commit, "--out", str(cached), "--force", "--quiet")
    return cached if cached.is_file() and file_hash(cached, "md5") == md5 else None


def believed_results(not_recomputed: dict[str, str], base: str, head: str) -> list[str]:
    """Return the stages that were not run again, and why, a line each."""
    of_base, of_head = Stages(), stages_of_pipeline(head)
    with suppress(ConfigError):  # of a base that cannot be read nothing is the same
        of_base = stages_of_pipeline(base)
    lines = []
    for name, reason in not_recomputed.items():
        same = name in of_head and of_head[name].get("outs") == of_base.get(name, Stage()).get("outs")
        believed = "its outputs are those of the base" if same else "its outputs are believed, not recomputed"
        lines.append(
            f"{name} was not run again ({reason}): {believed}" if name in of_head else f"{name} is not a stage"
        )
    return lines
