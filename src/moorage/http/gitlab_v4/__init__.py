"""GitLab's REST API, version 4."""
