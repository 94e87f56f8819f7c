from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def empty(request: HttpRequest) -> HttpResponse:
    """The least that a worker can be asked."""
    return HttpResponse()


urlpatterns = [path("empty/", empty)]
if apps.is_installed("recommendations"):
    from benchmarks.speed.peers import OneInsert

    urlpatterns += [
        path("recommendations/", include("recommendations.urls")),
        path("peers/interactions/", OneInsert.as_view()),
    ]
