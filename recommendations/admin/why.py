"""Why a shopper sees what is shown: one address holds a whole question, every look is logged."""

from dataclasses import asdict, replace
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from ..auditing.verifying import verify_list
from ..boundary import never_break
from ..logs import log
from ..models import Product, Shopper
from ..serving import RecommendationQuery
from ..serving.looking import Inspection, Look, VersionFacts, look
from ..serving.placements import MAX_LIMIT, get_placement
from ..serving.rows import RANKED
from .browsing import HistoryAdmin

NOT_FOUND = _("No product of the shop has the id “%(product)s”.")
NEEDS_PRODUCT = _("This placement stands beside a product: give the id of one.")
PLACEMENTS = {
    "home": _("Home page"),
    "new_for_you": _("New for you"),
    "buy_again": _("Buy again"),
    "cart": _("Basket"),
    "similar": _("Similar products"),
    "bought_together": _("Goes well with this"),
}


class QuestionForm(forms.Form):
    """Which list to look into, and which product of the shop's to follow through it."""

    placement = forms.ChoiceField(label=_("Placement"), choices=list(PLACEMENTS.items()), initial="home")
    limit = forms.IntegerField(label=_("Number of products"), min_value=1, max_value=MAX_LIMIT, initial=10)
    about = forms.CharField(label=_("Product of the page (id)"), required=False)
    product = forms.CharField(label=_("Product id, to follow one product"), required=False)

    @classmethod
    def of(cls, request: HttpRequest) -> "QuestionForm":
        """What the address asks, with what it leaves open."""
        return cls({**{name: field.initial for name, field in cls.base_fields.items()}, **request.GET.dict()})

    def clean_about(self) -> str:
        placement = self.cleaned_data.get("placement")
        if placement is None or not get_placement(placement).needs_product:
            return ""
        if not self.cleaned_data["about"]:
            raise forms.ValidationError(NEEDS_PRODUCT)
        return _existing(self.cleaned_data["about"])

    def clean_product(self) -> str:
        return _existing(self.cleaned_data["product"])


def _existing(product: str) -> str:
    """The id, if there is such a product; "" stays."""
    if product and not Product.objects.filter(product_id=product).exists():
        raise forms.ValidationError(NOT_FOUND, params={"product": product})
    return product


class WhyAdmin(HistoryAdmin):
    """Adds the page to the shoppers' admin; who may look needs the permission view_history."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.why_view)
        return [path("<int:pk>/why/", view, name="recommendations_why"), *super().get_urls()]

    def why_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page; its data as JSON with format=json; with POST each causal reason is verified as well."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return require_http_methods(["GET", "HEAD", "POST"])(self._answer)(request, get_object_or_404(Shopper, pk=pk))

    def _answer(self, request: HttpRequest, shopper: Shopper) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        form = QuestionForm.of(request)
        told = None
        if form.is_valid():
            self._log(request, shopper, form.cleaned_data)
            kept = request.GET.getlist("keep") if "sandbox" in request.GET else None
            told = _told(shopper, form.cleaned_data, kept, request.method == "POST")
            if told is not None and request.GET.get("format") == "json":
                return _download(told["look"], shopper)
        return TemplateResponse(
            request, "admin/recommendations/shopper/why.html", self._context(request, shopper, form, told)
        )

    def _context(
        self, request: HttpRequest, shopper: Shopper, form: QuestionForm, told: dict[str, Any] | None
    ) -> dict[str, Any]:
        query = request.GET.copy()
        query["format"] = "json"
        return {
            **self.admin_site.each_context(request),
            "title": gettext("Why these recommendations?"),
            "subtitle": str(shopper),
            "opts": self.opts,
            "media": self.media,
            "shopper": shopper,
            "form": form,
            "is_asked": form.is_valid(),
            "row_of": RANKED,
            "json_query": query.urlencode(),
            **(told or {}),
        }

    def _log(self, request: HttpRequest, shopper: Shopper, asked: dict[str, Any]) -> None:
        """In the admin's log who looked at whose list; in the process's log only that somebody did.

        No product stands there: the log outlives what is kept of the shopper.
        """
        words = gettext("Looked into the recommendations: %(placement)s, %(limit)s products.")
        self.log_change(request, shopper, words % {**asked, "placement": PLACEMENTS[asked["placement"]]})
        log("history_looked_into", placement=asked["placement"])

    def why_url(self, shopper: Shopper) -> str:
        return reverse("admin:recommendations_why", args=[shopper.pk], current_app=self.admin_site.name)


@never_break(fallback=lambda *_, **__: None)
def _told(shopper: Shopper, asked: dict[str, Any], kept: list[str] | None, verify: bool) -> dict[str, Any] | None:
    """What the page tells; None when it can't be computed, which the log explains.

    Stock and prices are those for anybody; who opted out is looked into as the stranger that lists take them for.
    """
    reader = shopper if shopper.personalised else None
    query = RecommendationQuery(asked["placement"], reader, limit=asked["limit"], product_id=asked["about"] or None)
    inspection = Inspection(query)
    found = replace(look(inspection, asked["product"], kept), shopper=shopper.pk)
    told: dict[str, Any] = {"look": found, "facts": _facts(found.version)}
    if verify and inspection.loaded is not None:
        told["verification"] = verify_list(inspection.loaded, query, inspection.served)
    return told


def _facts(version: VersionFacts | None) -> list[tuple[str, object]]:
    """Names and values of what the numbers were computed with."""
    if version is None:
        return []
    single = [(name, getattr(version, name)) for name in ("artifact_sha256", "manifest", "eps")]
    return [*single, *version.weights.items(), *version.libraries.items(), *version.files.items()]


def _download(look: Look, shopper: Shopper) -> HttpResponse:
    response = JsonResponse(asdict(look), json_dumps_params={"indent": 1, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="why-shopper-{shopper.pk}.json"'
    return response
