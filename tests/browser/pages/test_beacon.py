"""What the beacon's script does on a page of any shop: fills what is lazy, and waits until a page is really seen."""

from tests.browser.pages.test_recommendations import view

PAGE = """<!doctype html><html lang="en"><head><link rel="icon" href="data:,"><title>Shared</title></head><body>
<main data-recommendations-view="{product}"><h1>Shared by all</h1></main>
<div data-recommendations-lazy="/recommendations/fragment/?placement=home&amp;limit=4"
     data-recommendations-heading="For &lt;you&gt;"></div>
<div data-recommendations-lazy="/recommendations/fragment/?placement=new_for_you&amp;limit=2&amp;rows=True"></div>
<script src="/static/recommendations/beacon.js" data-url="/recommendations/v1/interactions/" defer></script>
</body></html>"""
# As Chromium has it while it makes a page ahead.
AHEAD = """
window.ahead = true;
Object.defineProperty(Document.prototype, "prerendering", { get: () => window.ahead });
"""


def shared(page, product):
    """A page that names nobody, as a cache of the shop's would serve it."""
    html = PAGE.format(product=product.pk)
    page.route("**/shared/", lambda route: route.fulfill(body=html, content_type="text/html"))


def test_a_shared_page_is_filled_with_what_is_of_the_visitor(shop, visit):
    with visit() as page:
        for product in (shop[10], shop[40], shop[70]):
            view(page, product)
        shared(page, shop[10])
        page.goto("/shared/")
        home = page.locator("[data-recommendations-lazy]").first
        home.locator("article").nth(3).wait_for()
        assert home.locator("article").count() == 4
        assert home.locator("h2").inner_text() == "For <you>"
        page.locator(".recommendations-because h2").first.wait_for()
        assert page.locator(".recommendations-because h2").first.inner_text().startswith("Because you viewed ")


def test_a_page_that_is_made_ahead_is_not_viewed_until_it_is_seen(shop, visit):
    with visit() as page:
        shared(page, shop[5])
        page.add_init_script(AHEAD)
        sent = []
        page.on("request", lambda request: sent.append(request.url) if "/interactions/" in request.url else None)
        page.goto("/shared/", wait_until="networkidle")
        assert sent == []
        with page.expect_response(lambda answer: "/v1/interactions" in answer.url) as recorded:
            page.evaluate("window.ahead = false; document.dispatchEvent(new Event('prerenderingchange'))")
        assert recorded.value.status == 201
        assert len(sent) == 1
