"""GitLab's registry calls, in process."""
