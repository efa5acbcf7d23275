"""The one failure of a benchmark: a server did not do what was asked."""


class BenchmarkError(Exception):
    """A server, an answer or a load generator was not as it must be."""
