"""Measurements, run by hand: `python -m benchmarks.NAME --json OUT`. Never installed, nothing here is a test."""
