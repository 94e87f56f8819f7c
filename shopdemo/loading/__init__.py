"""The demo's data: a year of real purchases, read, labelled and stored."""

from .steps import Report, load_everything

__all__ = ["Report", "load_everything"]
