"""What stands behind the ports: databases, blob stores."""
