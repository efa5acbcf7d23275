"""Seams that have at least two real implementations."""
