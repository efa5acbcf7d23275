"""Who may do what: the declared table, an estate to try it on, and the trials."""
