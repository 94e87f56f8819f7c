from typing import Any

from django.core.management import call_command

from recommendations.capture import ImportResult
from recommendations.contrib.oscar.backfill import backfill
from recommendations.management import command


class Command(command.Command):
    help = (
        "Mirror Oscar's products, then import its past orders and users' views, up to what the app recorded itself. "
        "A second time adds nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("sync_catalog", stdout=self.stdout)
        done = backfill()
        self._tell("order lines of users", done.user_orders)
        self._tell("order lines of guests", done.guest_orders)
        self._tell("views", done.views)
        if done.gone:
            self.stdout.write(self.style.WARNING(f"{done.gone:,} rows left out: their product is gone"))

    def _tell(self, what: str, result: ImportResult) -> None:
        self.stdout.write(
            f"{what}: {result.read:,} read, {result.added:,} added, {result.repeated:,} there already, "
            f"{result.forgotten:,} too old or of shoppers who opted out"
        )
