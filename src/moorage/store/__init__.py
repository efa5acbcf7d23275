"""The metadata store: SQL, and the functions that run it."""
