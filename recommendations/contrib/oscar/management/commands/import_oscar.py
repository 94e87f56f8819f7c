from typing import Any

from django.core.management import CommandError, call_command
from django.core.management.base import CommandParser

from recommendations.capture import ImportResult
from recommendations.conf import get_config
from recommendations.contrib.oscar.backfill import backfill
from recommendations.management import command


class Command(command.Command):
    help = (
        "Mirror Oscar's products, then import its past orders and users' views, up to when the app was installed. "
        "A second time adds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--they-agreed",
            action="store_true",
            help='where RECOMMENDATIONS["HAS_CONSENT"] is set: everybody whose orders and views Oscar has kept agreed',
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if (asked := get_config().HAS_CONSENT) and not options["they_agreed"]:
            raise CommandError(
                f'RECOMMENDATIONS["HAS_CONSENT"] is {asked!r}, and of the past nobody can be asked: nothing is '
                "imported. If everybody whose orders and views Oscar has kept agreed to recommendations from them, add "
                "--they-agreed."
            )
        call_command("sync_catalog", stdout=self.stdout)
        done = backfill()
        self._tell("order lines of users", done.user_orders)
        self._tell("order lines of guests", done.guest_orders)
        self._tell("views", done.views)
        if done.returned:
            self.stdout.write(f"{done.returned:,} order lines left out: they were cancelled, refunded or sent back")
        if done.gone:
            self.stdout.write(self.style.WARNING(f"{done.gone:,} rows left out: their product is gone"))

    def _tell(self, what: str, result: ImportResult) -> None:
        self.stdout.write(
            f"{what}: {result.read:,} read, {result.added:,} added, {result.repeated:,} there already, "
            f"{result.forgotten:,} too old or of shoppers who opted out"
        )
