from django.conf import settings

# Two registered models in one project: that is the second settings' project.
if "tests.other_shop" not in settings.INSTALLED_APPS:
    collect_ignore = ["test_articles.py", "test_strange_keys.py"]
