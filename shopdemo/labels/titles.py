"""The curated table: what the data's 30-character product types are called in a shop, and on which shelf they stand."""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .sizes import shop_size

HERE = Path(__file__).parent
STORE_BRAND = "Private"
# Fresh produce carries the size of the crate that the store received ("Bananas, 40 lb"), save for potatoes in bags.
FRESH = {"fruit", "veg"}
CRATE = re.compile(r"[1-9]\d+ lb|([5-9]|\d\d+) count|.*–.*")
IN_BIG_BAGS = {"Russet potatoes", "Red potatoes"}


@dataclass(frozen=True)
class Shelf:
    """A category of the shop: where it hangs, its picture and the class of its tile's colour."""

    slug: str
    department: str
    category: str
    emoji: str
    colour: str


@dataclass(frozen=True)
class Label:
    """A product as a shopper tells it from others. Two purchases with one `name` bought the same product."""

    title: str
    size: str
    store_brand: bool
    shelf: Shelf
    emoji: str

    @property
    def name(self) -> str:
        sized = f"{self.title}, {self.size}" if self.size else self.title
        return f"{sized} (store brand)" if self.store_brand else sized


@cache
def shelves() -> dict[str, Shelf]:
    """The shop's shelves by slug, in the order in which the shop shows them."""
    rows = _rows(HERE / "shelves.csv")
    return {
        row["shelf"]: Shelf(row["shelf"], row["department"], row["category"], row["emoji"], row["colour"])
        for row in rows
    }


@cache
def titles() -> dict[tuple[str, str], tuple[str, Shelf, str]]:
    """(product_type, product_category or "" for any) -> title, shelf, emoji."""
    found = {}
    for path in sorted((HERE / "types").glob("*.csv")):
        for row in _rows(path):
            shelf = shelves()[row["shelf"]]
            found[row["product_type"], row["only_in"]] = row["title"], shelf, row["emoji"] or shelf.emoji
    return found


@cache
def not_sold() -> dict[str, str]:
    """Product types that an online shop would not list, with the reason."""
    return {row["product_type"]: row["reason"] for row in _rows(HERE / "not_sold.csv")}


def shop_label(product_type: str, product_category: str, package_size: str, brand: str) -> Label | None:
    """The shop's label for a row of the data's products; None for what the shop does not sell or the table lacks."""
    found = titles().get((product_type, product_category)) or titles().get((product_type, ""))
    if found is None:
        return None
    title, shelf, emoji = found
    size = shop_size(package_size)
    if shelf.slug in FRESH and CRATE.fullmatch(size) and not (title in IN_BIG_BAGS and size.endswith("lb")):
        size = ""
    return Label(title, size, brand == STORE_BRAND, shelf, emoji)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
