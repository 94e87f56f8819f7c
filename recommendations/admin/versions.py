from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseFailure
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from ..exceptions import RecommendationsError, RetrainingBusy
from ..logs import cause, log
from ..ml.artifact import ArtifactError
from ..models import RecommenderVersion
from ..publishing import publish, why_not_served
from ..retraining import cancel, reap, request_retraining
from .browsing import BrowsingAdmin
from .comparison import cleaning, facts, importances, lead, refusal, tables
from .fidelity import fidelity_facts, fidelity_tables, plots, trend
from .stages import STAGES

Status = RecommenderVersion.Status
RETRAIN, PUBLISH = "recommendations.retrain", "recommendations.publish"


def staff_may(permission: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Decorate a ModelAdmin's view: POST only, and only with that permission."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(self: admin.ModelAdmin, request: HttpRequest, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return require_POST(lambda request: view(self, request, **kwargs))(request)

        return guarded

    return decorate


@admin.register(RecommenderVersion)
class VersionAdmin(BrowsingAdmin):
    """Trainings and their fate; retrain, cancel, publish and roll back by permission."""

    list_display = ["number", "how_far", "quality", "started_by", "created_at", "published_at"]
    list_per_page = 20
    fieldsets = [
        (None, {"fields": ["how_far", "why", "started_by", "created_at", "finished_at", "published_at"]}),
        (_("How good it is"), {"fields": ["comparison"]}),
        (_("How true its reasons are"), {"fields": ["fidelity_told"]}),
        (_("What it was trained on"), {"fields": ["trained_on"]}),
        (_("Details"), {"fields": ["settings", "data", "artifact", "artifact_sha256"], "classes": ["collapse"]}),
    ]

    def has_view_permission(self, request: HttpRequest, obj: RecommenderVersion | None = None) -> bool:
        may = request.user.has_perm
        return super().has_view_permission(request, obj) or may(RETRAIN) or may(PUBLISH)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("retrain/", view(self.retrain_view), name="recommendations_retrain"),
            path("<int:pk>/cancel/", view(self.cancel_view), name="recommendations_cancel"),
            path("<int:pk>/publish/", view(self.publish_view), name="recommendations_publish"),
            path("<int:pk>/plots/<slug:name>.svg", view(self.plot_view), name="recommendations_plot"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        reap()  # whoever looks should not see a dead worker's training go on
        if trouble := why_not_served():
            self.message_user(request, trouble, messages.ERROR)
        context = {
            "may_retrain": request.user.has_perm(RETRAIN),
            "training": RecommenderVersion.objects.in_training(),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        reap()
        return super().change_view(*args, **kwargs)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        version = kwargs.get("obj")
        is_training = version is not None and version.status == Status.TRAINING
        is_whole = version is not None and bool(version.artifact and version.artifact_sha256)
        context["training"] = is_training
        context["may_cancel"] = is_training and request.user.has_perm(RETRAIN)
        context["may_publish"] = is_whole and version.status == Status.RETIRED and request.user.has_perm(PUBLISH)
        return super().render_change_form(request, context, *args, **kwargs)

    @staff_may(RETRAIN)
    def retrain_view(self, request: HttpRequest) -> HttpResponse:
        """Queue a retraining and come back at once."""
        try:
            request_retraining(f"{request.user.get_username()} (admin)")
        except RetrainingBusy as busy:
            words = gettext("Version %(number)s is being trained already: wait until it ends, or cancel it.")
            self.message_user(request, words % {"number": busy.version_id}, messages.WARNING)
        except RecommendationsError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, gettext("A retraining is queued: a worker starts it as soon as it is free."))
        return self._to_list()

    @staff_may(RETRAIN)
    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop a training."""
        version = get_object_or_404(RecommenderVersion, pk=pk)
        if cancel(pk):
            self.log_change(request, version, gettext("Cancelled."))
            words = gettext("Version %(number)s is cancelled: its worker stops at its next step.")
            self.message_user(request, words % {"number": pk})
        else:
            words = gettext("Version %(number)s is not being trained any more.")
            self.message_user(request, words % {"number": pk}, messages.WARNING)
        return self._to_list()

    @staff_may(PUBLISH)
    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Serve with an earlier version again."""
        version = get_object_or_404(RecommenderVersion, pk=pk)
        try:
            publish(version)
        except DatabaseFailure:
            raise
        except ArtifactError as error:
            self.message_user(request, str(error), messages.ERROR)
        except Exception as error:  # what the storage's client raises
            log("version_not_servable", error, version=pk, instead="what was published serves on")
            self.message_user(request, f"Version {pk} can't be served: {cause(error)}", messages.ERROR)
        else:
            self.log_change(request, version, gettext("Published."))
            words = gettext("Version %(number)s serves now; every process has it within seconds.")
            self.message_user(request, words % {"number": pk})
        return self._to_list()

    def plot_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """A plot of the version's fidelity; an image of its own, so that the page needs no inline style."""
        version = get_object_or_404(RecommenderVersion, pk=pk)
        if not self.has_view_permission(request, version):
            raise PermissionDenied
        plot = version.fidelity.get("plots", {}).get(name)
        if plot is None:
            raise Http404
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HttpResponse(plot, content_type="image/svg+xml", headers=policy)

    def _to_list(self) -> HttpResponse:
        name = "admin:recommendations_recommenderversion_changelist"
        return HttpResponseRedirect(reverse(name, current_app=self.admin_site.name))

    @admin.display(description=_("version"))
    def number(self, version: RecommenderVersion) -> str:
        return gettext("Version %(number)s") % {"number": version.pk}

    @admin.display(description=_("status"))
    def how_far(self, version: RecommenderVersion) -> str:
        """Its fate; a bar while it trains, and where it stopped when it did not get through."""
        state = format_html('<span class="rec-status rec-{}">{}</span>', version.status, version.get_status_display())
        stage = STAGES.get(version.stage, version.stage)
        if version.status == Status.TRAINING:
            done = f"{version.progress:.0%}"
            bar = '{} <progress class="rec-progress" max="1" value="{}">{}</progress> {} · {}'
            told = format_html(bar, state, f"{version.progress:.3f}", done, done, stage or gettext("starting"))
            return format_html('<span data-recommendations-training="{}">{}</span>', version.pk, told)
        if version.status in (Status.FAILED, Status.CANCELLED) and version.stage:
            return format_html(gettext("{state} while {stage}"), state=state, stage=stage)
        return state

    @admin.display(description=_("error"))
    def why(self, version: RecommenderVersion) -> str:
        if version.status == Status.REJECTED:
            return refusal(version.error, is_fault="gate" in version.fidelity)  # which only a better version reaches
        if version.is_counted:
            return gettext("Counted, not learned yet: %(why)s") % {"why": version.data["counted"]}
        return version.error or "-"

    @admin.display(description=_("NDCG@10 (best baseline)"))
    def quality(self, version: RecommenderVersion) -> str:
        found = lead(version.metrics)
        if found is None:
            return "—"
        numbers = f"{found.ours:.3f}", f"{found.best:.3f}"
        return format_html("<strong>{}</strong> ({} {})", numbers[0], found.baseline.lower(), numbers[1])

    @admin.display(description="")
    def comparison(self, version: RecommenderVersion) -> str:
        context = {
            "tables": tables(version.metrics, version.data.get("judged_shoppers", {})),
            "importances": importances(version.data),
        }
        return render_to_string("admin/recommendations/recommenderversion/comparison.html", context)

    @admin.display(description="")
    def fidelity_told(self, version: RecommenderVersion) -> str:
        beside = trend(version)
        context = {
            "pk": version.pk,
            "facts": fidelity_facts(version.fidelity),
            "tables": [*fidelity_tables(version.fidelity), *([beside] if beside.rows else [])],
            "plots": plots(version),
            "has_report": "report" in version.fidelity or not version.artifact,
        }
        return render_to_string("admin/recommendations/recommenderversion/fidelity.html", context)

    @admin.display(description="")
    def trained_on(self, version: RecommenderVersion) -> str:
        context = {"facts": facts(version.data), "cleaning": cleaning(version.data)}
        return render_to_string("admin/recommendations/recommenderversion/trained_on.html", context)
