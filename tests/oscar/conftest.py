from django.conf import settings

# These tests need Oscar as the shop; they run in its project, started by test_in_oscar.py.
if "oscar.config.Shop" not in settings.INSTALLED_APPS:
    collect_ignore = ["installed"]
