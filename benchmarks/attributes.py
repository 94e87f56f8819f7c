"""What a catalog tells of its products, as tokens: a row of numbers for each item, a few places for each field."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data_files import INVOICES, DataSet, seconds_of
from benchmarks.online_retail import PRODUCT, Row, code_of, read_rows, titles
from benchmarks.public_shops import read_categories, read_items
from recommendations.ml.text import words_of

# A value that fewer products have tells nothing that the product's own vector does not: read as unknown.
FEWEST = 2
PRICE_BUCKETS = 10

# field -> its values, the most telling first
Product = Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class Attributes:
    """The attribute tokens of a catalog; each product has at least one in every field, if only "unknown"."""

    tokens: np.ndarray  # int64 (n+1, A), 0 where a place is not used; item 0 is unknown throughout
    unknown: np.ndarray  # int64 (A), a product of which nothing is known
    field: np.ndarray  # int64 (A), the field of each place

    @property
    def count(self) -> int:
        """How many numbers there are, 0 among them."""
        return int(max(self.tokens.max(), self.unknown.max())) + 1


def attributes_of(products: Sequence[Product], places: Mapping[str, int]) -> Attributes:
    """The attributes of products, item 1's first; `places` tells how many values of each field are read."""
    field = np.repeat(np.arange(len(places)), list(places.values()))
    unknown = np.zeros(len(field), np.int64)
    unknown[np.searchsorted(field, np.arange(len(places)))] = np.arange(1, len(places) + 1)
    tokens = np.tile(unknown, (len(products) + 1, 1))
    number: dict[tuple[str, str], int] = {}
    for k, (name, most) in enumerate(places.items()):
        first = int(np.searchsorted(field, k))
        having = Counter(value for product in products for value in set(product.get(name, ())))
        for row, product in zip(tokens[1:], products, strict=True):
            known = [value for value in dict.fromkeys(product.get(name, ())) if having[value] >= FEWEST][:most]
            for place, value in enumerate(known, start=first):
                row[place] = number.setdefault((name, value), len(places) + 1 + len(number))
    return Attributes(tokens, unknown, field)


def read_attributes(file: str, data: DataSet, items: str | None, until: int) -> Attributes:
    """Brand and category path (`items`), the data's own category, or the words and price of invoices before `until`.

    Raises ValueError where the data tells nothing of its products.
    """
    if data.form == INVOICES:
        return _invoices(Path(file), data, until)
    if items is not None:
        return _brands_and_paths(Path(items), data)
    categories = read_categories(data, None)
    if categories is None:
        raise ValueError(f"{file} tells nothing of its products; pass --items FILE")
    return attributes_of([{"category": [str(category)]} for category in categories[1:]], {"category": 1})


def _brands_and_paths(items: Path, data: DataSet) -> Attributes:
    rows = read_items(items)
    products = [_brand_and_path(rows.get(name, {})) for name in data.names]
    return attributes_of(products, {"brand": 1, "category": 6})


def _brand_and_path(row: Mapping[str, str]) -> Product:
    brand, path = row.get("brand", ""), row.get("categories", "")
    return {"brand": [brand] if brand not in ("", "Unknown") else [], "category": path.split(" > ") if path else []}


def _invoices(file: Path, data: DataSet, until: int) -> Attributes:
    """Up to eight words of the title, the rarest first, and the tenth of the catalog that the price lies in."""
    words = {code: words_of(title) for code, title in titles(_sales(file, until)).items()}
    having = Counter(word for title in words.values() for word in set(title))
    price = median_prices(file, until)
    edges = np.quantile(list(price.values()), np.linspace(0, 1, PRICE_BUCKETS + 1)[1:-1])
    products = [
        {
            "title": sorted(words.get(code, ()), key=lambda word: (having[word], word)),
            "price": [str(np.searchsorted(edges, price[code]))] if code in price else [],
        }
        for code in data.names
    ]
    return attributes_of(products, {"title": 8, "price": 1})


def median_prices(file: Path, until: int) -> dict[str, float]:
    """Product code -> what Online Retail II asked for it before `until` (epoch seconds)."""
    prices = defaultdict(list)
    for row in _sales(file, until):
        if PRODUCT.match(code_of(row)):
            prices[code_of(row)].append(float(row["price"]))
    return {code: float(np.median(found)) for code, found in prices.items()}


def _sales(file: Path, until: int) -> list[Row]:
    return [row for row in read_rows(file) if float(row["price"]) > 0 and seconds_of(row["invoice_date"]) < until]
