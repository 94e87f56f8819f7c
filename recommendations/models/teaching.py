"""Whose doings are learned from and counted: anybody can make up visitors, nobody can make up a shop's customers."""

from django.db.models import Q, QuerySet

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
    bought = Interaction.objects.filter(kind=Kind.PURCHASE).exclude(source=Interaction.Source.BEACON).order_by()
    known = Q(user__isnull=False) | Q(external_id__isnull=False) | Q(pk__in=bought.values("shopper"))
    return Shopper.objects.filter(known).order_by()


def by_teachers() -> Q:
    """A condition on events: done by a shopper whom the shop learns from."""
    return Q() if everybody_teaches() else Q(shopper__in=customers().values("pk"))
