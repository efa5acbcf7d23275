"""Front ends in process, for tests of http/."""
