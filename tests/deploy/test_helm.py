"""The Helm chart, linted and rendered by Helm's own library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from moorage.config import load_settings

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "moorage"
WARNING = 2
VALUES: dict[str, dict[str, Any]] = {
    "default": {},
    "all": {
        "ingress": {"enabled": True},
        "settings": {"gc_lease": "4h", "redirect_downloads": "true"},
    },
}

by_values = pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)


def render(values: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    chart = helm_python.Chart.load(CHART)
    try:
        texts = chart.render(values, name="images", namespace="registry")
    finally:
        chart.close()
    documents = [
        document
        for name, text in texts.items()
        if name.endswith(".yaml")
        for document in yaml.safe_load_all(text)
        if document
    ]
    return {(item["kind"], item["metadata"]["name"]): item for item in documents}


@by_values
def test_helm_warns_of_nothing(values: dict[str, Any]) -> None:
    report = helm_python.lint(CHART, values, strict=True)
    assert report["errors"] == []
    assert [one for one in report["messages"] if one["severity"] >= WARNING] == []


def test_replicas_workers_service_and_budget_are_rendered() -> None:
    found = render({})
    assert set(found) == {
        ("Deployment", "images"),
        ("Deployment", "images-worker"),
        ("Service", "images"),
        ("PodDisruptionBudget", "images"),
    }
    assert ("Ingress", "images") in render(VALUES["all"])


@by_values
@pytest.mark.parametrize("name", ["images", "images-worker"])
def test_a_pod_is_restricted_and_its_settings_can_be_read(
    values: dict[str, Any], name: str
) -> None:
    pod = render(values)["Deployment", name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    # Else a service called moorage would add MOORAGE_PORT, which is no setting.
    assert pod["enableServiceLinks"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["volumes"]
    }
    environment = {item["name"]: item["value"] for item in container["env"]}
    settings = load_settings({}, environment)
    assert settings.public_url == "https://registry.example.com"


def test_selectors_choose_the_pods_that_are_meant() -> None:
    found = render({})
    chosen = found["Service", "images"]["spec"]["selector"]
    for name, expected in (("images", True), ("images-worker", False)):
        spec = found["Deployment", name]["spec"]
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()
        assert (chosen.items() <= labels.items()) is expected
