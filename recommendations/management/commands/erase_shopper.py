from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from ...controls import erase
from ...models import Shopper
from .. import command


class Command(command.Command):
    help = (
        "Erase everything that is kept of one shopper, as their own page does: for whoever asks the shop to, such as "
        "guests and shoppers that were imported. One row remains that says so, and imports skip whatever is older."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--user", metavar="KEY", help="primary key of a user")
        who.add_argument("--external-id", metavar="ID", help="as imported; of a guest's order guest:NUMBER")
        who.add_argument("--number", type=int, metavar="N", help="as the admin shows it")

    def handle(self, **options: Any) -> None:
        names = {"user": "user", "external_id": "external_id", "number": "pk"}
        [(option, value)] = [(name, options[name]) for name in names if options[name] is not None]
        try:
            shopper = Shopper.objects.filter(**{names[option]: value}).first()
        except (ValueError, ValidationError):
            shopper = None
        if shopper is None:
            raise CommandError(f"--{option.replace('_', '-')} {value!r}: nothing is kept of such a shopper.")
        self.stdout.write(f"Erased {erase(shopper):,} events and everything else kept of {shopper}.")
