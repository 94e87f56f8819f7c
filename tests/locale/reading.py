"""What people read of a page."""

import re

SHOWN_ATTRIBUTES = re.compile(r'\b(?:title|alt|aria-label|placeholder|value)="([^"]*)"')
# What the tests' shop calls its things, Django's icons, and what is the same in Chinese.
SAME_IN_CHINESE = r"[0-9a-f-]{36}|Book \d+|Books|Novels|Cooking|Travel|True|False|NDCG@|SHA-256|Cookie"


def words(html):
    """What is read of a page: no tags, scripts or styles, but the attributes that people see or hear."""
    html = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(
        [re.sub(r"<[^>]*>", " ", html), *SHOWN_ATTRIBUTES.findall(re.sub(r"<input[^>]*hidden[^>]*>", "", html))]
    )


def english_in(html):
    return re.findall(r"[A-Za-z]{2,}[A-Za-z ]*", re.sub(SAME_IN_CHINESE, "", words(html)))
