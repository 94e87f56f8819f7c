"""Include these at a path of your choice: path("recommendations/", include("recommendations.urls"))."""

from django.urls import include, path

from .api.operating import LiveEndpoint, MetricsEndpoint, ReadyEndpoint
from .boundary import outside_transactions
from .pages import fragment, how, rights, views

app_name = "recommendations"
urlpatterns = [
    path("v1/", include("recommendations.api.urls")),
    path("health/live/", outside_transactions(LiveEndpoint.as_view()), name="live"),
    path("health/ready/", outside_transactions(ReadyEndpoint.as_view()), name="ready"),
    path("metrics/", outside_transactions(MetricsEndpoint.as_view()), name="metrics"),
    path("fragment/", fragment.fragment, name="fragment"),
    path("why/", views.why, name="why"),
    path("how/", how.how, name="how"),
    path("yours/", views.yours, name="yours"),
    path("yours/forget/", views.forget, name="forget"),
    path("yours/undo/", views.undo, name="undo"),
    path("yours/hide/", rights.hide, name="hide"),
    path("yours/show-again/", rights.show_again, name="show_again"),
    path("yours/personalisation/", rights.personalisation, name="personalisation"),
    path("yours/export/", rights.export, name="export"),
    path("yours/erase/", rights.erase, name="erase"),
]
