from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from ...capture.checking import MAX_SHOPPER
from ...controls import erase
from ...models import Shopper
from ...models.texts import is_storable
from .. import command

NAMES = {"user": "user", "external_id": "external id", "number": "shopper"}


class Command(command.Command):
    help = (
        "Erase everything that is kept of one shopper, as their own page does: for whoever asks the shop to, such as "
        "guests and shoppers that were imported. One row remains that says so, and imports skip whatever is older. "
        "So it does for a user or an external id of whom nothing is kept yet."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--user", metavar="KEY", help="primary key of a user")
        who.add_argument("--external-id", metavar="ID", help="as imported; of a guest's order guest:NUMBER")
        who.add_argument("--number", type=int, metavar="N", help="as the admin shows it")

    def handle(self, **options: Any) -> None:
        finders = {"user": _of_user, "external_id": _of_external_id, "number": _of_number}
        [(option, value)] = [(name, options[name]) for name in finders if options[name] is not None]
        shopper, is_new = finders[option](value)
        if shopper is None:
            raise CommandError(f"--{option.replace('_', '-')} {value!r}: there is no such {NAMES[option]}.")
        erased = erase(shopper)
        if is_new:
            self.stdout.write(f"Nothing was kept. That it was erased is {shopper}: imports skip whatever is older.")
        else:
            self.stdout.write(f"Erased {erased:,} events and everything else kept of {shopper}.")


# What an import may still bring is kept out by a row alone, so there is one from now on.
def _of_user(key: str) -> tuple[Shopper | None, bool]:
    try:
        user = get_user_model()._default_manager.filter(pk=key).first()
    except (ValueError, ValidationError):
        user = None
    return Shopper.objects.get_or_create(user=user) if user else (None, False)


def _of_external_id(name: str) -> tuple[Shopper | None, bool]:
    if not is_storable(name) or not 0 < len(imported := name.strip()) <= MAX_SHOPPER:
        return None, False
    known = Shopper.objects.filter(external_id=name).first()
    return (known, False) if known else Shopper.objects.get_or_create(external_id=imported)


def _of_number(number: int) -> tuple[Shopper | None, bool]:
    return Shopper.objects.filter(pk=number).first(), False
