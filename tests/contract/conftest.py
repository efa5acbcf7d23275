"""A database of either engine, fresh for each test."""

from in_process.databases import database

__all__ = ["database"]
