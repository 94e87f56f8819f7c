"""A page that a shop caches for everybody although it holds a personal list."""

from django.shortcuts import render
from django.urls import include, path
from django.views.decorators.cache import cache_page


def page(request):
    return render(request, "tests/cached_page.html")


urlpatterns = [
    path("cached/", cache_page(60)(page)),
    path("recommendations/", include("recommendations.urls")),
]
