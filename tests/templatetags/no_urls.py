"""A project that forgot to include our URLs."""

from django.shortcuts import render
from django.urls import path

urlpatterns = [path("page/", lambda request: render(request, "tests/page.html"))]
