"""An estate with one of everything that the management API can be asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from live.images import an_image

if TYPE_CHECKING:
    from live.estate import Estate

R = "/projects/{id}/registry/repositories/{repository_id}"
RULES = {"delete": [{"when": {"glob": "old*"}}]}
TAGS = ["latest", *(f"v{number}" for number in range(12)), *map(str, range(30))]


def make_everything(estate: Estate) -> dict[str, list[Any]]:
    """Make it; return what it is known by, by the path that ends with its parameter."""
    group = estate.group()
    project = estate.project(group, visibility="public")
    other = estate.project()
    member = estate.person(project, 30)
    with estate.registry(estate.admin) as registry:
        image = an_image("explored")
        for tag in TAGS:
            digest = registry.push(f"{project.path_with_namespace}/app", tag, image)
    path = f"{project.path_with_namespace}/app"
    repository_id = estate.repository_id(project, path)

    def post(below: str, **body: Any) -> int:
        response = estate.call(estate.admin, "POST", below, json=body)
        assert response.is_success, response.text
        made: int = response.json()["id"]
        return made

    mine, theirs = f"/projects/{project.id}", f"/groups/{group.id}"
    repository = f"{mine}/registry/repositories/{repository_id}"
    tag_rules = f"{mine}/registry/protection/tag/rules"
    rule = {"minimum_access_level_for_push": "maintainer"}
    levels = {**rule, "minimum_access_level_for_delete": "maintainer"}
    repository_rule = post(
        f"{mine}/registry/protection/repository/rules",
        repository_path_pattern=f"{path}x*",
        **rule,
    )
    known: dict[str, list[Any]] = {
        "/projects/{id}": [project.id, project.path_with_namespace],
        "/groups/{id}": [group.id, group.full_path],
        "PUT /projects/{id}": [other.id],
        "PUT /groups/{id}": [other.namespace["id"]],
        "/namespaces/{id}": [group.id],
        "/users/{id}": [member.user_id],
        "/users/{user_id}": [member.user_id],
        "/registry/repositories/{id}": [repository_id],
        "/registry/repositories/by-path/{path}": [path],
        R: [repository_id],
        R + "/tags/{tag_name}": TAGS,
        R + "/manifests/{digest}": [digest],
        R + "/plans/{plan_id}": [post(f"{repository}/plans", name_regex="v.*")],
        R + "/holds/{hold_id}": [
            post(f"{repository}/holds", tag="v1", reason="audit") for _ in range(3)
        ],
        "/registry/jobs/{job_id}": [post("/registry/garbage/run")],
        "/projects/{id}/ci_job_tokens/{job_id}": [post(f"{mine}/ci_job_tokens")],
        "/projects/{id}/registry/webhooks/{webhook_id}": [
            post(f"{mine}/registry/webhooks", url="http://127.0.0.1:9/")
        ],
        "/projects/{id}/registry/protection/rules/{protection_rule_id}": [
            repository_rule
        ],
        "/projects/{id}/registry/protection/repository/rules/{protection_rule_id}": [
            repository_rule
        ],
        "/projects/{id}/registry/protection/tag/rules/{protection_rule_id}": [
            post(tag_rules, tag_name_pattern="x", **levels)
        ],
    }
    for folder, one in (("projects", mine), ("groups", theirs)):
        base = f"/{folder}/{{id}}"
        known |= {
            f"{base}/members/{{user_id}}": [member.user_id],
            f"{base}/members/all/{{user_id}}": [member.user_id],
            f"{base}/access_tokens/{{token_id}}": [
                post(f"{one}/access_tokens", name="a", scopes=["api"])
            ],
            f"{base}/deploy_tokens/{{token_id}}": [
                post(f"{one}/deploy_tokens", name="a", scopes=["read_registry"])
            ],
            f"{base}/registry/policies/{{policy_id}}": [
                post(f"{one}/registry/policies", name="a", rules=RULES)
            ],
        }
    return known
