from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..models import Interaction
from .browsing import HistoryAdmin, number_in


@admin.register(Interaction)
class InteractionAdmin(HistoryAdmin):
    list_display = ["occurred_at", "shopper_number", "kind", "about", "quantity", "source"]
    fields = ["occurred_at", "shopper_number", "kind", "about", "quantity", "source", "list_id"]
    list_select_related = ["product"]
    search_fields = ["shopper"]
    search_help_text = _("A shopper's number")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Interaction], search_term: str
    ) -> tuple[QuerySet[Interaction], bool]:
        if not search_term:
            return queryset, False
        # In the index's order, so that a long history needs no sorting.
        return queryset.filter(shopper=number_in(search_term)).order_by("-occurred_at", "-pk"), False

    @admin.display(description=_("shopper"))
    def shopper_number(self, interaction: Interaction) -> str:
        return gettext("shopper %(number)s") % {"number": interaction.shopper_id}

    @admin.display(description=_("product or search"))
    def about(self, interaction: Interaction) -> str:
        return str(interaction.product) if interaction.product else f"“{interaction.query}”"
