"""Past interactions in: from files (see reading and checking), or rows that are known to be right."""

from .batches import Batch, ImportResult, import_rows

__all__ = ["Batch", "ImportResult", "import_rows"]
