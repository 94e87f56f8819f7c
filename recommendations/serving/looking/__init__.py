"""Looking into one recommendation: how its list was made, what its products rest on, what else would be shown."""

from .effects import Attention, HeatMap
from .inspection import Inspection, Unit
from .look import Look, VersionFacts, look
from .paths import Contrast, Path
from .resting import Step

__all__ = ["Attention", "Contrast", "HeatMap", "Inspection", "Look", "Path", "Step", "Unit", "VersionFacts", "look"]
