"""The Docker token service, where GitLab has it."""
