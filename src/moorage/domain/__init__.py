"""Values and rules: standard library and RE2 only, no I/O, no clock."""
