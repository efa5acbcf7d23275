"""Which releases of GitLab and its registry are spoken here: clients compare them."""

from __future__ import annotations

API_VERSION = "18.9.0"
"""The release of GitLab whose registry API this is."""

REGISTRY_VERSION = "4.32.0-gitlab"
"""The release of GitLab's registry whose calls are offered."""

EXTRA_FEATURES = "tag_delete"
"""What that offers beside the protocol, separated by commas."""

REGISTRY_HEADERS = {
    "Gitlab-Container-Registry-Version": REGISTRY_VERSION,
    "Gitlab-Container-Registry-Features": EXTRA_FEATURES,
    "Gitlab-Container-Registry-Database-Enabled": "true",
}
"""What tells GitLab's registry apart, at ``/v2/``.

Source: GitLab registry API facts, "Headers and base".
"""
