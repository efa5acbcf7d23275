"""Benchmarks: Moorage beside other registries and the machine's own limits."""
