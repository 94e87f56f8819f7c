from django.conf import settings

# These pages are the demo shop's; they run in its project, started by test_in_chromium.py.
if "shopdemo" not in settings.INSTALLED_APPS:
    collect_ignore = ["pages"]
