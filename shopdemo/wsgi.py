import os

from django.core.wsgi import get_wsgi_application
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shopdemo.settings")

application = get_wsgi_application()
# Every view is imported now, and not by whoever comes first to a new process.
resolve("/")
