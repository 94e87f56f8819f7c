"""Looking into one recommendation: how its list was made, what its products rest on, what else would be shown."""

from ..inspection import Inspection, Unit
from .comparing import Comparison, compare
from .effects import Attention, HeatMap
from .look import Look, VersionFacts, look
from .paths import Contrast, Path
from .resting import Step

__all__ = [
    "Attention",
    "Comparison",
    "Contrast",
    "HeatMap",
    "Inspection",
    "Look",
    "Path",
    "Step",
    "Unit",
    "VersionFacts",
    "compare",
    "look",
]
