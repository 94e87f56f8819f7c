"""Whose doings are learned from and counted: anybody can make up visitors, nobody can make up a shop's customers."""

from django.db.models import Q, QuerySet

from ..conf import get_config
from ..ml.kinds import Kind
from .interaction import Interaction
from .shopper import Shopper

# With fewer customers a shop learns from visitors too: there is nothing else to learn from yet.
FEWEST_CUSTOMERS = 200


def by_teachers() -> Q:
    """A condition on events: done by a shopper whom the shop learns from.

    Those are its customers: who has an account, whom another system knows, who bought something as the shop itself
    says. Visitors known from their browser alone teach too while customers are few, or as RECOMMENDATIONS says.
    """
    learns = get_config().LEARN_FROM_VISITORS
    if learns is None:
        learns = _customers().count() < FEWEST_CUSTOMERS
    return Q() if learns else Q(shopper__in=_customers().values("pk"))


def _customers() -> QuerySet[Shopper]:
    bought = Interaction.objects.filter(kind=Kind.PURCHASE).exclude(source=Interaction.Source.BEACON).order_by()
    known = Q(user__isnull=False) | Q(external_id__isnull=False) | Q(pk__in=bought.values("shopper"))
    return Shopper.objects.filter(known).order_by()
