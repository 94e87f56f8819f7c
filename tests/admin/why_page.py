"""The page "Why these recommendations?" as tests ask for it and read it."""

from html.parser import HTMLParser

from django.urls import reverse

from recommendations.ml.kinds import Kind

# What the shopper of the fixture did, oldest first, with the made artifact's 40 products.
EVENTS = [(3, Kind.PURCHASE), (5, Kind.PURCHASE), (8, Kind.VIEW), (13, Kind.SAVE), (21, Kind.VIEW), (22, Kind.VIEW)]


def url(shopper, **query):
    return reverse("admin:recommendations_why", args=[shopper.pk], query=query)


def text_of(response):
    """The page without the admin's frame."""
    assert response.status_code == 200
    return response.content.decode().split('id="content"')[1].split("<footer")[0]


def told(client, shopper, **query):
    return client.get(url(shopper, format="json", **query)).json()


class Tables(HTMLParser):
    """Every table of a page as rows of cells, by its caption or the heading above it."""

    def __init__(self, html):
        super().__init__()
        self.found, self._cell = [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.found.append([])
        elif tag == "tr":
            self.found[-1].append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.found[-1][-1].append(" ".join(" ".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell.append(data)


def number(cell):
    """What a signed number says."""
    return float(cell.split()[0].replace("\N{MINUS SIGN}", "-"))
