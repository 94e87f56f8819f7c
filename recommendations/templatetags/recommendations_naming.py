"""How the shoppers' pages call a product or a search in a sentence."""

from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def named(unit: Any) -> str:
    """The title of a product, and of a search that it is one; `unit` is an anchor or a unit of the pages."""
    return _("the search “%(words)s”") % {"words": unit.title} if unit.type == "query" else unit.title


@register.simple_tag
def done(anchor: Any) -> str:
    """What was done with a product or search, as a sentence goes on after "you": "viewed Tea"."""
    return render_to_string("recommendations/reasons/done.txt", {"anchor": anchor}).strip()
