"""Faults that really happen to the demo shop while it is looked at and told of events; run by hand: `make faults`."""
