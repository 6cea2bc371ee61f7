"""What a commit may bring into the working tree without a diff that shows it."""

import hashlib
import json
from pathlib import Path

import pytest

from lifecycle.core import pointers
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import git
from lifecycle.core.pointers import check, outputs
from lifecycle.gate import commit_files
from lifecycle.gate.commit_files import acted_on, brought, not_regular, refused
from lifecycle.gate.commit_metadata import files_affecting_verdict

ROOT = Path.cwd()  # the rendered project
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


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in (commit_files, pointers):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")


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
        ("docs/DVC.yaml", "stages: {}", "docs/DVC.yaml is a pipeline beside the project's own"),
        ("data/dvc.lock", "stages: {}", "data/dvc.lock is a pipeline beside the project's own"),
        ("models/north/dvc.yaml", "stages: {}", "models/north/dvc.yaml is a pipeline beside the project's own"),
        ("models/north/x.dvc", pointer("src/x.py"), "models/north/x.dvc puts models/north/src/x.py into the working"),
        ("models/north/x.dvc", pointer("data"), "models/north/x.dvc puts models/north/data into the working tree"),
        ("models/data/x.dvc", pointer("x.csv"), "models/data/x.dvc puts models/data/x.csv into the working tree"),
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


def test_a_further_model_has_a_pipeline_and_data_of_its_own() -> None:
    write("models/north/params.yaml", "package: mine\n")
    write("models/north/dvc.yaml", "stages: {}\n")
    write("models/north/dvc.lock", "stages: {}\n")
    write("models/north/data/raw/table.csv.dvc", pointer("table.csv"))
    commit("branch")

    assert refused("base", "HEAD") == []


def folder(*names: str) -> str:
    """Store the list of a folder's files in the embedded storage; return its hash."""
    text = json.dumps([{"md5": MD5, "relpath": name} for name in names])
    md5 = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"
    write(f".dvc/embedded/files/md5/{md5[:2]}/{md5[2:]}", text)
    return md5


@pytest.mark.parametrize("relative", ["../../src/sitecustomize.py", "/tmp/x", "a/../../x.py"])
@pytest.mark.parametrize("inline", [False, True])
def test_a_folder_whose_list_leads_out_of_it_is_refused_before_it_is_fetched(
    relative: str, inline: bool, no_cache: None
) -> None:
    text = pointer("many") + f"  files:\n  - relpath: {relative}\n    md5: {MD5}\n"
    write("data/raw/many.dvc", text if inline else pointer("many").replace(MD5, folder("a.csv", relative)))
    commit("branch")
    says = f"data/raw/many.dvc puts {relative} beside its folder data/raw/many"

    assert [sentence.partition(":")[0] for sentence in refused("base", "HEAD")] == [says]
    with pytest.raises(ConfigError, match=f"^{says}: "):
        check(with_lock=True)


@pytest.mark.parametrize("files", ["1", "[1, {relpath: 1}]", "{a: b}", "null"])
def test_a_list_of_another_form_is_left_to_dvc(files: str, no_cache: None) -> None:
    write(".dvc/embedded/files/md5/" + MD5[:2] + "/" + MD5[2:] + ".dir", "{")
    write("data/raw/many.dvc", pointer("many").replace(MD5, MD5 + ".dir") + f"  files: {files}\n")
    commit("branch")

    check(with_lock=True)


def test_so_is_one_that_the_lock_names(no_cache: None) -> None:
    md5 = folder("../../x.py")
    write("dvc.lock", f"schema: '2.0'\nstages:\n  s: {{cmd: a, outs: [{{path: data/out, hash: md5, md5: {md5}}}]}}\n")
    commit("branch")

    (sentence,) = refused("base", "HEAD")

    assert sentence.startswith("dvc.lock puts ../../x.py beside the folder data/out: ")
    with pytest.raises(ConfigError, match=r"^dvc.lock puts ../../x.py"):
        check(with_lock=True)


@pytest.mark.parametrize("name", ["data/raw/link", "docs/x.dvc"])
def test_a_link_through_which_dvc_would_write_is_refused(name: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).symlink_to("../../src")
    commit("branch")

    (sentence,) = refused("base", "HEAD")

    assert sentence == f"{name} is a link, through which DVC would write: put the file itself there"
    with pytest.raises(ConfigError, match=f"^{name} is a link"):
        check(with_lock=True)


@pytest.mark.parametrize("name", [".dvc/tmp/adopt.json", ".dvc/cache/files/md5/00/0", ".dvc/config.local"])
def test_what_dvc_keeps_in_one_checkout_must_not_come_with_a_commit(name: str, no_cache: None) -> None:
    write(name, "x")
    commit("branch")

    assert refused("base", "HEAD") == [f"{name} belongs to one checkout, not into git: git rm --cached {name}"]
    with pytest.raises(ConfigError, match=f"^{name} belongs to one checkout"):
        check(with_lock=True)


def test_what_is_data_may_be_fetched(no_cache: None) -> None:
    write("data/raw/many.dvc", pointer("many").replace(MD5, folder("a.csv", "b/c.csv")))
    commit("branch")

    check(with_lock=True)
    assert refused("base", "HEAD") == []


@pytest.mark.parametrize("lock", ["<<<<<<< HEAD\n", "stages: null\n"])
def test_a_lock_that_nobody_can_read_keeps_no_data_from_being_fetched(lock: str) -> None:
    write("dvc.lock", lock)
    commit("branch")

    check(with_lock=True)


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
    names = ["docs/.gitattributes", "tests/.dvcignore", "docs/.gitignore", ".gitmodules", "docs/.GitAttributes"]
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


def test_make_checks_what_dvc_would_write_before_it_fetches_anything() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    fetching = [place for place, line in enumerate(lines) if "dvc pull" in line or "dvc repro --pull" in line]

    checks = [place for place, line in enumerate(lines) if "python -m lifecycle.core.pointers" in line]
    assert len(fetching) == len(checks) == 2
    for first, last in zip(checks, fetching, strict=True):
        assert first < last
        assert all(line.startswith("\t") for line in lines[first:last])  # in one target


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
