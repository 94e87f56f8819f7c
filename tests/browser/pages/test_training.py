"""The admin's pages while a training runs: they tell how far it is, and interrupt nobody."""

import re

from django.contrib.auth import get_user_model
from django.utils import timezone

from recommendations.models import RecommenderVersion

SOON = "window.setTimeout = ((wait) => (work, time) => wait(work, Math.min(time, 50)))(window.setTimeout);"


def test_how_far_it_is_is_told_again_without_a_reload(shop, visit):
    get_user_model().objects.create_superuser("anna", password="s3cret-pass")
    now = timezone.now()
    made = dict(status="training", stage="judged fit", progress=0.25, heartbeat_at=now, started_by="anna")
    training = RecommenderVersion.objects.create(**made)
    with visit() as page:
        page.add_init_script(SOON)
        page.goto("/admin/login/?next=/admin/recommendations/recommenderversion/")
        page.fill("#id_username", "anna")
        page.fill("#id_password", "s3cret-pass")
        page.click("[type=submit]")
        page.wait_for_load_state()
        row = page.locator(f'[data-recommendations-training="{training.pk}"]')
        assert "25%" in row.inner_text()
        loads = []
        page.on("load", lambda _: loads.append(1))
        page.locator("#searchbar, .object-tools button, #toggle-nav-sidebar").first.focus()
        focused = page.evaluate("document.activeElement.outerHTML")
        RecommenderVersion.objects.update(progress=0.5, heartbeat_at=timezone.now())
        row.get_by_text(re.compile("50%")).first.wait_for()
        assert page.evaluate("document.activeElement.outerHTML") == focused
        RecommenderVersion.objects.filter(pk=training.pk).update(status="failed")
        page.get_by_role("link", name="The training has ended: show how").wait_for()
        assert loads == []
        page.get_by_role("link", name="The training has ended: show how").click()
        page.get_by_text("Failed").first.wait_for()
