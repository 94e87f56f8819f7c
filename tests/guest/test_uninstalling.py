"""The app comes to a shop, is used, and leaves: the shop's tables are as they were."""

import re
import shlex
import shutil

from tests.guest.project import ROOT
from tests.guest.tables import not_ours

USE = """
import json
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from goods.models import Product
from recommendations.catalog import sync_catalog
from recommendations.models import Interaction, Shopper
from tests.published import publish_made_artifact

sync_catalog()
publish_made_artifact()
# Permissions of ours, given as staff would.
ours = Permission.objects.filter(content_type__app_label="recommendations")
User.objects.get(username="clerk").user_permissions.set(ours)
Group.objects.get(name="staff").permissions.add(*ours)
browser = Client(headers={"user-agent": "Mozilla/5.0 Firefox/150.0", "sec-fetch-site": "same-origin"})
browser.cookies["sessionid"] = Session.objects.get().session_key
views = [{"kind": "view", "product": str(k)} for k in (1, 2, 3)]
browser.post("/recommendations/v1/interactions/", views, content_type="application/json")
page = browser.get("/").content.decode()
users = [shopper.user.username for shopper in Shopper.objects.all()]
print(json.dumps({"page": page, "users": users, "given": len(ours)}))
"""
# As a shop without the app does; anna is the user whose views were recorded.
DELETE_ANNA = """
from django.contrib.auth.models import User
User.objects.get(username="anna").delete()
print(User.objects.count())
"""
SHOP = """
import json
from django.core.management import call_command
call_command("check", fail_level="WARNING", verbosity=0)
call_command("makemigrations", check=True, verbosity=0)
from django.contrib.sessions.models import Session
from django.test import Client
from goods.models import Product
Product.objects.get(pk=1).save()
browser = Client()
browser.cookies["sessionid"] = Session.objects.get().session_key
page = browser.get("/")
print(json.dumps([page.status_code, page.content.decode()]))
"""


def documented_commands():
    """The commands of docs/uninstalling.md, in its order."""
    text = (ROOT / "docs" / "uninstalling.md").read_text()
    return [shlex.split(line)[2:] for line in re.findall(r"^ +(python manage\.py .*)$", text, re.MULTILINE)]


def installed_and_used(project):
    project.add_our_lines()
    project.done("migrate", "recommendations")
    return project.asked(USE)


def test_migrating_touches_no_table_of_the_shop(project, tables):
    schema, rows = tables.schema(), tables.rows()
    project.add_our_lines()
    project.done("migrate", "recommendations")
    assert not_ours(tables.schema()) == schema
    after = not_ours(tables.rows())
    added = {name: set(after[name]) - set(rows[name]) for name in after if after[name] != rows[name]}
    assert set(added) == {"auth_permission", "django_content_type", "django_migrations"}
    assert {row[1] for row in added["django_content_type"]} == {"recommendations"}
    assert {row[1] for row in added["django_migrations"]} == {"recommendations"}
    assert all(set(after[name]) >= set(rows[name]) for name in rows)


def test_the_documented_steps_leave_the_shop_as_it_was(project, tables):
    schema, rows = tables.schema(), tables.rows()
    used = installed_and_used(project)
    assert "recommendations-card" in used["page"]
    assert (used["users"], used["given"] > 7) == (["anna"], True)
    drop, delete_types = documented_commands()
    project.done(*drop)
    # Not yet deployed without the tags: the shop works all the same.
    assert project.asked(SHOP)[0] == 200
    project.remove_our_lines()
    project.done(*delete_types)
    shutil.rmtree(project.folder / "recommendations_artifacts")
    assert tables.schema() == schema
    assert tables.rows() == rows
    assert project.asked(SHOP) == [200, "<h1>Teas</h1>"]
    assert project.asked(DELETE_ANNA) == 2


def test_with_the_tables_left_behind_a_user_stays_until_the_app_is_back(project, tables):
    installed_and_used(project)
    project.remove_our_lines()
    refused = project.manage("shell", "-c", DELETE_ANNA)
    assert refused.returncode == 1
    assert re.search(
        "IntegrityError.*(recommendations_shopper|FOREIGN KEY constraint failed)", refused.stderr, re.DOTALL
    )
    project.add_our_lines()
    project.done(*documented_commands()[0])
    project.remove_our_lines()
    assert project.asked(DELETE_ANNA) == 2
