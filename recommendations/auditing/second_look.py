"""Shoppers checked while the shop lives: what seems false counts if it is when looked at again."""

import random

from ..publishing import LoadedRecommender
from .reference import Reference
from .shopper_audit import ShopperAudit
from .shoppers import Asking
from .tally import Tally


class SecondLook:
    """One version on trial, and in `tally` all that was found in its lists."""

    def __init__(self, tally: Tally, loaded: LoadedRecommender, reference: Reference) -> None:
        self.tally, self.loaded, self.reference = tally, loaded, reference

    def check(self, asking: Asking, is_visitor: bool, seed: float) -> ShopperAudit:
        """Check one shopper's lists, those that `seed` draws; what they were checked with."""
        found, audit = self._try(asking, is_visitor, seed)
        if found.false or found.different:
            self.read_again(found)
            found, audit = self._try(asking, is_visitor, seed)
        self.tally.add(found)
        return audit

    def read_again(self, found: Tally) -> None:
        """Read what is for sale now, after so much seemed false."""
        self.loaded.refresh()
        self.reference = Reference(self.reference.scorer)

    def _try(self, asking: Asking, is_visitor: bool, seed: float) -> tuple[Tally, ShopperAudit]:
        found = Tally(self.tally.version, self.tally.predict_every)
        return found, found.check(self.reference, asking(), random.Random(seed), is_visitor)  # noqa: S311 # nosec B311
