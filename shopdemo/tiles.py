"""A product's picture: the emoji of its kind on a coloured tile, drawn as SVG: the shop needs no image files."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control

COLOURS = {
    "leaf": ("#e2f0da", "#cfe5c3"),
    "rose": ("#fbe4e4", "#f6d0d1"),
    "peach": ("#fdeada", "#f9d9bf"),
    "ocean": ("#dcecf4", "#c4dfec"),
    "sky": ("#e4eefb", "#cfe0f6"),
    "butter": ("#fcf2cf", "#f6e5a8"),
    "sand": ("#f3eadb", "#e8dabf"),
    "frost": ("#e0f1f4", "#c8e5ea"),
    "tomato": ("#fbe1d9", "#f5cbbe"),
    "plum": ("#efe4f5", "#e0cdec"),
    "mint": ("#dcf2e8", "#c1e6d5"),
    "slate": ("#e8ebef", "#d5dae1"),
}
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" width="240" height="240">'
    '<rect width="240" height="240" fill="{ground}"/><circle cx="120" cy="122" r="84" fill="{disc}"/>'
    '<text x="120" y="126" font-size="96" text-anchor="middle" dominant-baseline="central" '
    'font-family="Apple Color Emoji, Segoe UI Emoji, Noto Color Emoji, sans-serif">{emoji}</text></svg>'
)


def tile_url(colour: str, emoji: str) -> str:
    """Where the tile is served; the same picture always has the same address."""
    return reverse("tile", args=[colour, "-".join(f"{ord(character):x}" for character in emoji)])


@cache_control(public=True, max_age=31_536_000, immutable=True)
def tile(request: HttpRequest, colour: str, code: str) -> HttpResponse:
    """The picture, for good: nothing in it depends on who asks."""
    if colour not in COLOURS:
        raise Http404(f"no tile colour {colour!r}: expected one of {', '.join(COLOURS)}")
    try:
        emoji = "".join(chr(int(point, 16)) for point in code.split("-"))
    except (ValueError, OverflowError):
        raise Http404(f"{code!r} is no emoji: expected code points in hex, joined by -") from None
    if any(ord(character) < 0x80 or 0xD800 <= ord(character) <= 0xDFFF for character in emoji):
        raise Http404(f"{code!r} is no emoji")
    ground, disc = COLOURS[colour]
    return HttpResponse(SVG.format(ground=ground, disc=disc, emoji=emoji), content_type="image/svg+xml; charset=utf-8")
