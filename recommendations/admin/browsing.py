"""Looking through tables of any size: nothing is counted, nothing can be changed."""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import ShowFacets
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.contrib.auth import get_permission_codename
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from ..logs import log
from ..models import Shopper

# Further pages are for whoever searches; databases walk through all rows before a page.
LAST_PAGE = 10_000


class PeekingPaginator(Paginator):
    """Reads one row more than the page shows instead of counting: it knows of one page beyond the one asked for."""

    def __init__(self, rows: QuerySet[Any], per_page: int, number: int) -> None:
        super().__init__(rows, per_page)
        self._number = number

    @cached_property
    def _read(self) -> list[Any]:
        begin = (self._number - 1) * self.per_page
        return list(self.object_list[begin : begin + self.per_page + 1])

    @cached_property
    def count(self) -> int:
        """Rows up to this page's end, one more when others follow."""
        if not self._read and self._number > 1:
            return 0  # beyond the end: there is nothing to show
        return (self._number - 1) * self.per_page + len(self._read)

    def page(self, number: Any) -> Page:
        return Page(self._read[: self.per_page], self.validate_number(number), self)


class BrowsingAdmin(admin.ModelAdmin):
    """A list and a page for each row, read-only."""

    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    ordering = ["-pk"]
    sortable_by: tuple[str, ...] = ()  # any other order would sort the whole table
    actions = None

    class Media:
        css = {"all": ["recommendations/admin.css"]}

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], per_page: int, *_: Any, **__: Any):  # type: ignore[no-untyped-def,override]
        number = number_in(request.GET.get(PAGE_VAR, "1")) or 1
        return PeekingPaginator(queryset, per_page, min(number, LAST_PAGE))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """By the permission to view alone; Django's own takes the one to change, which nothing here heeds, for it."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('view', self.opts)}")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class HistoryAdmin(BrowsingAdmin):
    """Of shoppers: who may look needs the permission view_history, sees numbers instead of names, and leaves a line in
    the admin's log: the shopper's own where one shopper is looked at, else the table's.
    """

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("recommendations.view_history")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Nothing is looked up but by a shopper's number: Django's own addresses would tell names, and by letters."""
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        row = self.get_object(request, object_id)
        if row is not None and self.has_view_permission(request, row):
            self.log_browsing(request, self.shopper_of(row))
        return super().history_view(request, object_id, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse):
            self.log_browsing(request, self.shopper_searched_for(request))
        return response

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:  # type: ignore[override]
        self.log_browsing(request, self.shopper_of(options["obj"]))
        return super().render_change_form(request, context, **options)

    def shopper_searched_for(self, request: HttpRequest) -> Shopper | None:
        """Whose rows alone the list shows; None for a list of several shoppers."""
        number = number_in(request.GET.get(SEARCH_VAR, ""))
        return Shopper.objects.filter(pk=number).first() if number else None

    def shopper_of(self, row: Any) -> Shopper:
        """Whom a row is about."""
        return row if isinstance(row, Shopper) else row.shopper

    def log_browsing(self, request: HttpRequest, shopper: Shopper | None) -> None:
        """Who looked at whose rows."""
        table = self.opts.verbose_name_plural
        LogEntry.objects.create(
            user_id=request.user.pk,
            content_type=ContentType.objects.get_for_model(shopper or self.model),
            object_id=shopper and str(shopper.pk),
            object_repr=str(shopper or table),
            action_flag=CHANGE,
            change_message=gettext("Looked at: %(table)s.") % {"table": table},
        )
        log("history_browsed", table=self.opts.model_name)


def number_in(term: str) -> int | None:
    """The number that was searched for; None when it is none that a key can be."""
    term = term.strip()
    return int(term) if term.isdecimal() and len(term) < 19 else None
