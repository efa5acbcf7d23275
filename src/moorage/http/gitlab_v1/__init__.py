"""What GitLab's own registry offers beside the protocol, below ``/gitlab/v1/``."""
