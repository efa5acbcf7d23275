"""The registry as real client programs and libraries meet it."""
