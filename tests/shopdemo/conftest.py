from django.conf import settings

# One project has one product model. The demo's pages are tested in a project of their own, by test_project.py.
if "shopdemo" not in settings.INSTALLED_APPS:
    collect_ignore = ["installed"]
