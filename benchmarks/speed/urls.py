from django.apps import apps
from django.urls import include, path

from benchmarks.speed.plain import Plain

urlpatterns = [path("plain/", Plain.as_view())]
if apps.is_installed("recommendations"):
    from benchmarks.speed.peers import OneInsert, SameQueries, Unexplained, WrittenQueries

    urlpatterns += [
        path("recommendations/", include("recommendations.urls")),
        path("peers/interactions/", OneInsert.as_view()),
        path("peers/lists/", SameQueries.as_view()),
        path("peers/written/", WrittenQueries.as_view()),
        path("unexplained/", Unexplained.as_view()),
    ]
