"""What a commit may bring into the working tree without a diff that shows it."""

import hashlib
from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import git
from lifecycle.gate.commit_files import acted_on, brought, not_regular, outputs, refused
from lifecycle.gate.commit_metadata import files_affecting_verdict

MD5 = "0123456789abcdef0123456789abcdef"


def pointer(path: str, wdir: str = "") -> str:
    return f"outs:\n- md5: {MD5}\n  hash: md5\n  path: {path}\n" + (f"wdir: {wdir}\n" if wdir else "")


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def commit(message: str) -> None:
    git("add", "--all", "--force")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--no-verify", "--message", message)


@pytest.fixture(autouse=True)
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    write("dvc.yaml", "stages: {}\n")
    write("metrics/test.json", "{}\n")
    write("data/raw/table.csv.dvc", pointer("table.csv"))
    commit("base")
    git("tag", "base")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("docs/x.dvc", pointer("../src/pkg/features.py"), "docs/x.dvc puts src/pkg/features.py into the working tree"),
        ("data/x.dvc", pointer("pandas.py", wdir=".."), "data/x.dvc puts pandas.py into the working tree"),
        ("data/x.dvc", pointer("/tmp/x"), "data/x.dvc puts /tmp/x into the working tree"),
        ("data/x.dvc", pointer("../models/model.skops"), "data/x.dvc puts models/model.skops into the working tree"),
        ("data/x.dvc", pointer("../.git/hooks/post-checkout"), "data/x.dvc puts .git/hooks/post-checkout into"),
        ("x.dvc", pointer("data"), "x.dvc puts data into the working tree"),
        ("docs/dvc.yaml", "stages: {}", "docs/dvc.yaml is a pipeline beside the project's own"),
        ("data/dvc.lock", "stages: {}", "data/dvc.lock is a pipeline beside the project's own"),
        (
            f".dvc/embedded/files/md5/{MD5[:2]}/{MD5[2:]}",
            "forged",
            f".dvc/embedded/files/md5/{MD5[:2]}/{MD5[2:]} does not hold",
        ),
    ],
)
def test_what_lands_outside_data_or_runs_beside_the_pipeline_is_refused(name: str, text: str, says: str) -> None:
    write(name, text)
    commit("branch")

    (sentence,) = refused("base", "HEAD")

    assert sentence.startswith(says)


def test_data_and_what_has_the_hash_of_its_name_are_not_refused_and_named() -> None:
    md5 = hashlib.md5(b"rows", usedforsecurity=False).hexdigest()
    stored, other = (f".dvc/embedded/files/md5/{name[:2]}/{name[2:]}" for name in (md5, hashlib.md5(b"?").hexdigest()))
    write("data/raw/new.csv.dvc", pointer("new.csv").replace(MD5, md5))
    write(stored, "rows")
    write(other, "?")
    commit("branch")

    assert refused("base", "HEAD") == []
    assert sorted(brought("base", "HEAD")) == sorted(
        [
            f"data/raw/new.csv.dvc brings data/raw/new.csv ({md5[:9]})",
            f"{stored} brings data/raw/new.csv",
            f"{other} brings what neither a .dvc file nor dvc.lock names",
        ]
    )


@pytest.mark.parametrize("text", ["outs: null", "outs: [1]", "outs: [{md5: x}]", "[]", "{"])
def test_a_dvc_file_that_is_none_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^data/x.dvc: "):
        outputs("data/x.dvc", text.encode())


def test_what_git_and_dvc_obey_is_named_in_whichever_folder_it_lies() -> None:
    names = ["docs/.gitattributes", "tests/.dvcignore", "docs/.gitignore", ".gitmodules"]
    for name in names:
        write(name, "# nothing\n")
    write("docs/page.md", "# Page\n")
    commit("files")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},docs/module")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--no-verify", "--message", "module")

    assert sorted(acted_on("base", "HEAD")) == sorted([*names, "docs/module"])


def test_metrics_that_git_does_not_have_are_named() -> None:
    git("rm", "--quiet", "--cached", "metrics/test.json")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},metrics")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--no-verify", "--message", "module")

    names = [Path("metrics/test.json"), Path("dvc.yaml"), Path("metrics/none.json")]
    assert not_regular("base", names[:2]) == []
    assert not_regular("HEAD", names[:2]) == ["metrics/test.json is not in the commit: metrics is a submodule"]
    assert not_regular("base", names[2:]) == ["metrics/none.json is not in the commit"]


def test_of_a_project_in_a_subfolder_only_what_git_obeys_there_counts_of_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("services/churn/dvc.yaml", "stages: {}\n")
    commit("project")
    git("tag", "--force", "base")
    inside = ["services/churn/docs/.gitattributes", "services/churn/docs/dvc.yaml"]
    above = [".gitattributes", "services/.gitignore", ".gitmodules", ".github/workflows/forged.yml", ".gitlab-ci.yml"]
    elsewhere = [".dvcignore", "dvc.yaml", "services/fraud/.gitattributes", "services/fraud/x.dvc", "data/x.csv.dvc"]
    for name in (*inside, *above, *elsewhere):
        write(name, "x\n")
    commit("branch")
    monkeypatch.chdir("services/churn")

    named = acted_on("base", "HEAD")

    assert sorted(named) == [
        "../../.gitattributes",
        "../../.github/workflows/forged.yml",
        "../../.gitlab-ci.yml",
        "../../.gitmodules",
        "../.gitignore",
        "docs/.gitattributes",
        "docs/dvc.yaml",
    ]
    assert files_affecting_verdict("base", "HEAD") == sorted(
        named, key=lambda name: (not name.endswith((".yaml", ".yml")), name)
    )
    assert refused("base", "HEAD") == [
        "docs/dvc.yaml is a pipeline beside the project's own: move its stages into dvc.yaml at the top"
    ]
    assert brought("base", "HEAD") == []
