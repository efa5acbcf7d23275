"""The OCI distribution and Docker registry protocol."""
