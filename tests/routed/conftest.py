from django.conf import settings

# These tests need two databases and a router; they run in that project, started by test_routed.py.
if "shoppers" not in settings.DATABASES:
    collect_ignore = ["installed"]
