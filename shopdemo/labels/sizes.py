"""Package sizes as a shop prints them: "6 PK/8 OZ" is six of 8 oz, "1/2 GAL" is "½ gal", "32 LD" is "32 loads"."""

import re

UNITS = {
    "oz": "oz", "ozs": "oz", "z": "oz", "o": "oz", "fl oz": "fl oz",
    "lb": "lb", "lbs": "lb", "g": "g",
    "gal": "gal", "ga": "gal", "galon": "gal", "qt": "quart", "pt": "pint", "l": "L", "lt": "L", "ltr": "L", "ml": "ml",
    "ct": "count", "pk": "pack", "pks": "pack", "pc": "pieces", "pcs": "pieces", "bar": "bars", "p": "pack",
    "dz": "dozen", "doz": "dozen", "kit": "kit", "use": "uses",
    "ld": "loads", "lds": "loads", "load": "loads", "loads": "loads", "stem": "stems", "stems": "stems",
    "ft": "ft", "sq ft": "sq ft", "in": "inch",
}  # fmt: skip
# What a pack of N holds is printed per piece ("6 PK/8 OZ") up to here, and as a whole ("8 PK/24.8 OZ") above.
LARGEST_PIECE = 20.0

NUMBER = r"\d*\.?\d+"
UNIT = r"(?:sq ft|fl oz|[a-z]+)"
AMOUNT = re.compile(rf"(?P<number>{NUMBER}) ?(?P<unit>{UNIT})\b\.?")
FRACTIONS = {"1/2": ".5", "1/4": ".25", "3/4": ".75"}
MIXED = re.compile(r"(?:(\d+) )?(\d)/([248])(?= (?:oz|pt|gal|l|in)\b)")
# A leading letter, an article number, and what stands in brackets, are the data's own business.
NOISE = re.compile(r"^[a-z] (?=[\d.])|^\d{5,6} |\([^)]*\) ?")


def shop_size(raw: str) -> str:
    """The size in a shop's words, "" when there is none or it says nothing to a shopper."""
    text = NOISE.sub("", " ".join(raw.lower().split()))
    text = MIXED.sub(_decimal, text)
    for pattern, write in PATTERNS:
        if found := pattern.match(text):
            return write(found)
    return ""


def _decimal(found: re.Match[str]) -> str:
    whole, above, below = found.groups()
    if int(above) >= int(below):  # "6/4 oz" is six of 4 oz
        return found[0]
    return str(int(whole or 0) + int(above) / int(below))


def _number(text: str) -> str:
    return f"{round(float(text), 2):g}" if float(text) < 1_000 else f"{float(text):.0f}"


def _amount(number: str, unit: str) -> str:
    word = UNITS.get(unit)
    if word is None:
        return ""
    value = _number(number)
    if value == "1" and word in {"count", "pieces", "dozen", "pack"}:
        return "dozen" if word == "dozen" else ""
    if word == "pack":
        return f"{value}-pack"
    if value == "0.5" and word in {"gal", "pint", "L"}:
        return f"½ {word}"
    singular = {"pieces": "piece", "loads": "load", "stems": "stem", "uses": "use", "bars": "bar"}
    return f"{value} {singular.get(word, word) if value == '1' else word}"


def _single(found: re.Match[str]) -> str:
    return _amount(found["number"], found["unit"])


def _pieces(found: re.Match[str]) -> str:
    """Some packs print what one piece holds, others what all hold."""
    count, piece, unit = found["count"], float(found["number"]), found["unit"]
    inner = _amount(found["number"], unit)
    if piece > LARGEST_PIECE and unit in {"oz", "z", "o"}:
        return f"{_number(count)}-pack, {inner}"
    return f"{_number(count)} × {inner}" if inner else f"{_number(count)}-pack"


def _count_and_whole(found: re.Match[str]) -> str:
    inner = _amount(found["number"] or "1", found["unit"] or "")
    return f"{_number(found['count'])} count, {inner}" if inner else f"{_number(found['count'])} count"


def _whole_and_count(found: re.Match[str]) -> str:
    if found["piece"] == "pk" and float(found["number"]) <= LARGEST_PIECE:
        return f"{_number(found['count'])} × {_single(found)}"
    return f"{_single(found)}, {_amount(found['count'], found['piece'])}"


def _range(found: re.Match[str]) -> str:
    return f"{found['low']}–{_amount(found['number'], found['unit'])}"


def _bare(found: re.Match[str]) -> str:
    return _amount("1", found[1])


def _sheet(found: re.Match[str]) -> str:
    return f"{found[1]} × {found[2]} inch"


END = r"(?=$|[ (./])"
PATTERNS = [
    (re.compile(r"(\d+) ?x ?(\d+) in$"), _sheet),
    (re.compile(rf"(?P<low>\d+)-(?P<number>\d+) (?P<unit>lb|ct|stem){END}"), _range),
    (re.compile(rf"(?P<count>\d+) ?(?:pk|p|bar|k)[/ ](?P<number>{NUMBER}) ?(?P<unit>{UNIT}){END}"), _pieces),
    (re.compile(rf"(?P<count>\d+) ?ct ?/ ?(?P<number>{NUMBER})? ?(?P<unit>{UNIT})?{END}"), _count_and_whole),
    (re.compile(rf"(?P<number>{NUMBER}) (?P<unit>{UNIT}) ?/ ?(?P<count>\d+) (?P<piece>ct|pk)$"), _whole_and_count),
    (re.compile(rf"(?P<count>\d+) ?[/-] ?(?P<number>{NUMBER}) (?P<unit>{UNIT}){END}"), _pieces),
    (re.compile(rf"(?P<number>{NUMBER}) ?(?P<unit>{UNIT}){END}"), _single),
    (re.compile(r"(gal|qt|pt|l|lb|dz|doz)$"), _bare),
]  # fmt: skip
