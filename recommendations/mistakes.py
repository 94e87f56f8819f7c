"""Which errors are shown to the shop's developer instead of being caught."""

from pathlib import Path
from sysconfig import get_paths
from traceback import walk_tb

from django.conf import settings
from django.db import Error as DatabaseFailure

from .conf import get_config
from .logs import MISTAKES

# Where code lies that is not the shop's: ours, Python's and what is installed.
LIBRARIES = (f"{Path(__file__).parent}/", *(f"{get_paths()[name]}/" for name in ("stdlib", "purelib", "platlib")))


def is_raised(error: Exception) -> bool:
    """Whether an error is raised and not replaced: with RECOMMENDATIONS["STRICT"] each, and with DEBUG what only the
    shop's developer can have done wrong: a mistake of ours to tell, or an error of the shop's own code.
    """
    return get_config().STRICT or (settings.DEBUG and _is_the_developers(error))


def _is_the_developers(error: Exception) -> bool:
    """Whether only a change of the shop's code or settings helps; a database that does not answer is nobody's."""
    if isinstance(error, MISTAKES):
        return True
    if isinstance(error, DatabaseFailure):
        return False
    return any(_is_the_shops(frame.f_code.co_filename) for frame, _ in walk_tb(error.__traceback__))


def _is_the_shops(file: str) -> bool:
    """Whether code is neither ours nor an installed library's."""
    return not file.startswith(("<", *LIBRARIES))
