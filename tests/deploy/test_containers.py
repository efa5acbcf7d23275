"""The Dockerfile and the compose file, read by the tools that know their rules."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose, PyOptions

from live.programs import run
from moorage.config import Settings, load_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = (DEPLOY / "compose.yaml").read_text("utf-8")
REPLICAS = {"moorage-1", "moorage-2", "moorage-3"}


def test_hadolint_finds_nothing_to_say_about_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    assert run(hadolint, DEPLOY / "Dockerfile") == ""


def test_the_image_copies_only_what_its_context_admits() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.*)", text, re.MULTILINE)
        for name in line.split()[:-1]
    }
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    assert copied == {line[1:] for line in ignored if line.startswith("!")}
    assert all((DEPLOY.parent / name).exists() for name in copied)


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
    return found


def test_the_compose_file_obeys_the_specification() -> None:
    options = PyOptions()
    options.apply_merge = True
    parsed = options.from_yaml(COMPOSE)
    parsed.validate()
    assert isinstance(parsed, PyCompose)
    assert set(parsed.service_names()) == set(services())


@pytest.mark.parametrize("service", [*sorted(REPLICAS), "worker"])
def test_a_service_has_settings_that_can_be_read(service: str) -> None:
    environment: dict[str, str] = services()[service]["environment"]
    given = {
        name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        for name, value in environment.items()
        if name.startswith("MOORAGE_")
    }
    given = {
        name: re.sub(r"\$\{\w+:\?[^}]*\}", "given", value)
        for name, value in given.items()
    }
    settings: Settings = load_settings({}, given)
    assert settings.object_storage is not None
    assert settings.database.startswith("postgresql://moorage:given@postgres/")


def test_what_a_service_waits_for_exists_and_can_be_waited_for() -> None:
    known = services()
    for service in known.values():
        for name, wanted in service.get("depends_on", {}).items():
            healthy = wanted["condition"] == "service_healthy"
            checked = "healthcheck" in known[name] or name in REPLICAS
            assert checked or not healthy, name


@pytest.mark.parametrize("site", ["proxied.conf", "offloaded.conf"])
def test_nginx_knows_the_replicas_by_the_names_of_the_compose_file(site: str) -> None:
    text = (DEPLOY / "nginx" / site).read_text("utf-8")
    named = re.findall(r"server (moorage-\d):5000", text)
    assert set(named) == REPLICAS == {name for name in services() if "-" in name}
