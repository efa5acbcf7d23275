"""The management API, in process."""
