"""The REST edge: what is sent is read field by field, use cases do the rest."""
