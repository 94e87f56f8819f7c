from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..models import Shopper
from .browsing import number_in
from .why import WhyAdmin


@admin.register(Shopper)
class ShopperAdmin(WhyAdmin):
    list_display = ["__str__", "known_as", "personalised", "created_at", "last_seen", "history", "reasons"]
    fields = ["known_as", "personalised", "created_at", "last_seen", "erased_at", "merged_at", "history", "reasons"]
    search_fields = ["pk"]
    search_help_text = _("A shopper's number")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Shopper], search_term: str
    ) -> tuple[QuerySet[Shopper], bool]:
        return (queryset.filter(pk=number_in(search_term)) if search_term else queryset), False

    @admin.display(description=_("known as"))
    def known_as(self, shopper: Shopper) -> str:
        """How the shop tells this shopper from others, without the name."""
        if shopper.user_id is not None:
            return gettext("a user of the shop")
        if shopper.external_id:
            return gettext("a customer of another system")
        return gettext("a visitor, by cookie") if shopper.key_hash else gettext("nobody any more")

    @admin.display(description=_("history"))
    def history(self, shopper: Shopper) -> Any:
        url = reverse("admin:recommendations_interaction_changelist", current_app=self.admin_site.name)
        words = gettext("what shopper %(number)s did") % {"number": shopper.pk}
        return format_html('<a href="{}?q={}">{}</a>', url, shopper.pk, words)

    @admin.display(description=_("recommendations"))
    def reasons(self, shopper: Shopper) -> Any:
        return format_html('<a href="{}">{}</a>', self.why_url(shopper), gettext("why these recommendations"))
