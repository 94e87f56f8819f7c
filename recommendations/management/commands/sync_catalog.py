from typing import Any

from recommendations.catalog import sync_catalog, try_cards
from recommendations.management import command


class Command(command.Command):
    help = "Mirror the shop's products: all of them, also what bulk updates changed."

    def handle(self, *args: Any, **options: Any) -> None:
        result = sync_catalog()
        self.stdout.write(
            f"{result.created} products are new, {result.updated} changed, {result.unavailable} are gone from the shop."
        )
        if result.left_out:
            self.stdout.write(f"{result.left_out} can't be read and are not recommended: the log says why.")
        # Here, where somebody looks: in a page the list would be empty, and the log alone would say why.
        try_cards()
