"""The registry protocol and the token service, in process."""
