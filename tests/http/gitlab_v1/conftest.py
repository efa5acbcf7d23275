"""All front ends in process, on either engine."""

from in_process.front_ends import registry, services, settings

__all__ = ["registry", "services", "settings"]
