"""Running things for tests: the server, a PostgreSQL cluster, a registry client."""
