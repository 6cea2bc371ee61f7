"""The generated Dockerfile and Kubernetes manifests: linted, held against each other, and their commands run.

No image is built and no cluster is asked, for tests need neither Docker nor Kubernetes: the server is started by exactly the CMD
of the Dockerfile, in a folder that holds exactly what the Dockerfile copies.
"""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import BakedProject
from runner import TOOLS
from servers import free_port, running

ODD = ["My_Model.2", "null", "1e3", "2nd._model", "x" + "y._-" * 19 + "9z"]
TOKEN = "a token for tests"
TIMEOUT = 60


MODES = ("--chmod=644", "--chmod=755")


def instructions(project: BakedProject) -> list[tuple[str, str]]:
    """The Dockerfile's instructions with what follows them, continued lines joined."""
    text = re.sub(r"^#.*\n", "", project.text("Dockerfile"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def instruction(project: BakedProject, name: str) -> str:
    (found,) = [rest for word, rest in instructions(project) if word == name]
    return found


def copied_paths(project: BakedProject) -> list[str]:
    words = [word for name, rest in instructions(project) if name == "COPY" for word in rest.split()[:-1]]
    return [word for word in words if not word.startswith("--")]


def variables(project: BakedProject) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", instruction(project, "ENV")))


def manifests(project: BakedProject) -> dict[str, Any]:
    found = [yaml.safe_load(path.read_text()) for path in (project.path / "kubernetes").glob("*.yaml")]
    return {manifest["kind"]: manifest for manifest in found}


def container(project: BakedProject) -> dict[str, Any]:
    (found,) = manifests(project)["Deployment"]["spec"]["template"]["spec"]["containers"]
    return found


def excluded(project: BakedProject, path: str) -> bool:
    """Whether .dockerignore keeps a path out of the build: the last pattern that fits it or a folder above it decides."""
    out = False
    parts = Path(path).parts
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    for line in project.text(".dockerignore").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        candidates = [*above, *parts] if "**/" in line else above
        if line and not line.startswith("#") and any(fnmatch(one, pattern) for one in candidates):
            out = not line.startswith("!")
    return out


@pytest.fixture(scope="module", params=["telco-churn", *ODD])
def named(request: pytest.FixtureRequest, bake: Callable[..., BakedProject]) -> BakedProject:
    return bake(project=request.param, package="odd" if request.param in ODD else "telco_churn")


def test_what_the_server_reads_is_readable_by_its_user_if_the_checkout_is_its_owners_alone(named: BakedProject) -> None:
    """A file keeps its mode when it is copied, which is 600 after `git clone` with a umask of 077."""
    installed = {"requirements.txt", "pyproject.toml", "README.md"}  # read by root, before USER
    copies = [rest.split() for name, rest in instructions(named) if name == "COPY"]

    unreadable = [words for words in copies if not set(words[:-1]) <= installed and words[0] not in MODES]

    assert unreadable == []


@pytest.mark.parametrize("command", ["hadolint Dockerfile", "kubernetes-validate --strict kubernetes/*.yaml"])
def test_linters_have_nothing_to_say(named: BakedProject, command: str) -> None:
    done = named.run(command, check=False, PATH=f"{TOOLS}:{os.environ['PATH']}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"passed for resource", done.stdout + done.stderr)) == (0 if "hadolint" in command else 5)


def test_whatever_the_project_is_called_kubernetes_accepts_the_names(named: BakedProject) -> None:
    for manifest in manifests(named).values():
        assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", manifest["metadata"]["name"])
        assert len(manifest["metadata"]["name"]) <= 63
    assert json.loads(instruction(named, "CMD"))[0] == named.path.name


def test_the_manifests_speak_of_the_same_things(named: BakedProject) -> None:
    found = manifests(named)
    pod, serve = found["Deployment"]["spec"]["template"], container(named)
    labels = pod["metadata"]["labels"]
    (name,) = {manifest["metadata"]["name"] for manifest in found.values()}

    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": name,
    }
    assert [source["configMapRef"]["name"] for source in serve["envFrom"]] == [name]
    assert list(found["ConfigMap"]["data"]) == ["MLFLOW_TRACKING_URI"]
    (token,) = serve["env"]
    assert token["name"] == token["valueFrom"]["secretKeyRef"]["key"] == "SERVING_TOKEN"
    assert "Secret" not in found  # a token in git is none
    (port,) = serve["ports"]
    (served,) = found["Service"]["spec"]["ports"]
    probes = [serve[kind]["httpGet"]["port"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert {*probes, served["targetPort"]} == {port["name"]}


def test_the_pod_fits_the_image(baked: BakedProject) -> None:
    pod, serve = manifests(baked)["Deployment"]["spec"]["template"]["spec"], container(baked)
    mounts = {mount["name"]: mount["mountPath"] for mount in serve["volumeMounts"]}
    command = json.loads(instruction(baked, "CMD"))
    (sleeping,) = serve["lifecycle"]["preStop"].values()
    server = baked.text("src/lifecycle/serving/server.py")
    graceful = int(re.findall(r"timeout_graceful_shutdown=(\d+)", server)[0])

    assert (
        command[command.index("--port") + 1] == instruction(baked, "EXPOSE") == str(serve["ports"][0]["containerPort"])
    )
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == int(instruction(baked, "USER"))
    assert re.search(r"useradd --uid (\d+)", baked.text("Dockerfile"))[1] == instruction(baked, "USER")  # type: ignore[index]
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    folders = {path for name, path in variables(baked).items() if name.startswith("SERVING_")}
    assert {mounts["log"], mounts["cache"]} == folders
    assert all(Path(path).is_relative_to(instruction(baked, "VOLUME")) for path in folders)
    assert pod["terminationGracePeriodSeconds"] > sleeping["seconds"] + graceful


def test_what_the_dockerfile_copies_is_there_and_nothing_else_is_sent(baked: BakedProject) -> None:
    wanted = copied_paths(baked)

    for path in wanted:
        files = [file for file in (baked.path / path).rglob("*") if file.is_file()] or [baked.path / path]
        for file in [file for file in files if "__pycache__" not in file.parts]:  # others may have run its code
            assert file.is_file(), path
            assert not excluded(baked, str(file.relative_to(baked.path))), file
    for path in baked.path.iterdir():
        assert excluded(baked, path.name) != (path.name in wanted), path.name
    for path in (".env", "data/raw/telco.csv", "mlflow.db", "src/lifecycle/__pycache__/cli.pyc"):
        assert excluded(baked, path), path


@dataclass
class Container:
    """What the Dockerfile describes, but for the image."""

    project: BakedProject
    folder: Path
    environment: dict[str, str]
    port: str = "8000"

    def command(self) -> list[str]:
        """CMD, on loopback and a port that is free."""
        command = json.loads(instruction(self.project, "CMD"))
        return [{"0.0.0.0": "127.0.0.1", "8000": self.port}.get(part, part) for part in command]

    def healthcheck(self, path: str = "/health/ready") -> subprocess.CompletedProcess[str]:
        rest = instruction(self.project, "HEALTHCHECK").partition("CMD ")[2]
        assert "/health/ready" in rest
        command = json.loads(rest.replace(":8000", f":{self.port}").replace("/health/ready", path))
        # A proxy that leads nowhere: the check must not ask it.
        environment = self.environment | {"http_proxy": "http://127.0.0.1:9"}
        return subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=10)

    def status(self, path: str, method: str = "GET", **headers: str) -> int:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="module")
def image(project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Container:
    """A folder with what the Dockerfile copies, and an environment with its variables: no git, no other program."""
    base = tmp_path_factory.mktemp("container")
    folder = base / "app"
    for path in copied_paths(project):
        source, target = project.path / path, folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=lambda _, names: {"__pycache__"} & set(names))
        else:
            shutil.copy(source, target)
    (base / "tmp").mkdir()
    given = {name: str(base) + path if path.startswith("/") else path for name, path in variables(project).items()}
    environment = given | {
        "PATH": str(project.path / ".venv/bin"),
        "PYTHONPATH": str(folder / "src"),  # instead of the copy that would be installed
        "HOME": str(base / "nowhere"),
        "TMPDIR": str(base / "tmp"),
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
    }
    return Container(project, folder, environment)


@pytest.fixture(scope="module")
def served(image: Container) -> Iterator[Container]:
    """The container with its token, but without a model: nothing answers where its registry should be."""
    image.port = str(free_port())
    with running([*image.command(), "--wait", "0"], image.folder, f"http://127.0.0.1:{image.port}/health/live", **image.environment,
                 SERVING_TOKEN=TOKEN):  # fmt: skip
        yield image
        stopped = time.monotonic()
    grace = manifests(image.project)["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert time.monotonic() - stopped < grace
    assert "Traceback" not in (image.folder / "server.log").read_text()


def test_without_a_token_the_image_refuses_to_start(image: Container) -> None:
    command = json.loads(instruction(image.project, "CMD"))

    done = subprocess.run(
        command, env=image.environment, cwd=image.folder, capture_output=True, text=True, timeout=TIMEOUT
    )

    assert done.returncode == 2
    assert re.fullmatch(r"error: .*SERVING_TOKEN.*\n", done.stderr)


def test_its_check_of_health_says_whether_there_is_a_model_to_ask(served: Container) -> None:
    assert served.healthcheck().returncode == 1
    assert "503" in served.healthcheck().stderr
    assert served.healthcheck("/health/live").returncode == 0  # the same command, where the answer is 200


def test_kubernetes_lets_a_server_without_a_model_live_but_asks_it_nothing(served: Container) -> None:
    serve = container(served.project)
    paths = {kind: serve[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}

    answers = {kind: served.status(path) for kind, path in paths.items()}

    assert answers == {"startup": 200, "liveness": 200, "readiness": 503}


def test_the_token_of_the_secret_is_the_one_that_is_asked_for(served: Container) -> None:
    """As Prometheus has to send it for /metrics, too."""
    (token,) = container(served.project)["env"]
    assert token["name"] == "SERVING_TOKEN"

    assert served.status("/metrics") == 401
    assert served.status("/metrics", Authorization=f"Bearer {TOKEN}") == 200


def test_the_server_needs_only_what_was_copied_and_writes_only_where_it_may(served: Container) -> None:
    assert served.status("/model", Authorization=f"Bearer {TOKEN}") == 200
    files = {str(path.relative_to(served.folder)) for path in served.folder.rglob("*") if path.is_file()}
    copied = {path for path in files if path != "server.log"}

    assert all(any(Path(path).is_relative_to(given) for given in copied_paths(served.project)) for path in copied)
    assert not any("__pycache__" in path for path in copied)
    assert not (served.folder.parent / "nowhere").exists()
