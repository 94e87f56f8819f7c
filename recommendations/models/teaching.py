"""Whose doings are learned from and counted: anybody can make up visitors, nobody can make up a shop's customers."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from ..conf import get_config
from ..ml.kinds import Kind
from .interaction import Interaction
from .shopper import Shopper

# With fewer customers a shop learns from visitors too: there is nothing else to learn from yet.
FEWEST_CUSTOMERS = 200


def everybody_teaches() -> bool:
    """Whether visitors known from their browser alone teach too: while customers are few, or as the settings say."""
    learns = get_config().LEARN_FROM_VISITORS
    if learns is not None:
        return learns
    # Whoever opted out is a customer, and teaches nothing.
    return customers().filter(personalised=True).count() < FEWEST_CUSTOMERS


def customers() -> QuerySet[Shopper]:
    """Who has an account, whom another system knows, and who bought something as the shop itself says."""
    mine = Interaction.objects.filter(shopper=OuterRef("pk"), kind=Kind.PURCHASE)
    bought = mine.exclude(source=Interaction.Source.BEACON).order_by()
    # EXISTS, one look into an index for each shopper: beside an OR, PostgreSQL reads a large IN whole for each of them.
    known = Q(user__isnull=False) | Q(external_id__isnull=False) | Exists(bought)
    return Shopper.objects.filter(known).order_by()


def by_teachers() -> Q:
    """A condition on events: done by a shopper whom the shop learns from."""
    return Q() if everybody_teaches() else Q(shopper__in=customers().values("pk"))
