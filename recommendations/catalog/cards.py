from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Price:
    """An amount in a currency (ISO 4217 code)."""

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Card:
    """What a shopper sees of a product. Its existence says that this shopper can buy the product now."""

    product_id: str
    title: str
    url: str
    image: str = ""
    price: Price | None = None
    category: str = ""
