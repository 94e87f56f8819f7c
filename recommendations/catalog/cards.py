from dataclasses import dataclass
from decimal import Decimal

from django.utils.formats import number_format

MOST_MONEY = 10**15
SYMBOLS = {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$"}


@dataclass(frozen=True)
class Price:
    """An amount in a currency (ISO 4217 code)."""

    amount: Decimal  # from a number or text; NaN for what is neither
    currency: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", _decimal(self.amount))

    def is_amount(self) -> bool:
        """Whether it can be printed: nothing, NaN, infinity and what nobody can pay can't."""
        return self.amount.is_finite() and abs(self.amount) < MOST_MONEY

    def __bool__(self) -> bool:
        """As is_amount(): a card is drawn without what is no price."""
        return self.is_amount()

    def __str__(self) -> str:
        """As shown: $1.99, or 1.99 CHF; decimals and separators follow the language in use. "" for no amount."""
        if not self.is_amount():
            return ""
        places = 0 if self.currency == "JPY" else 2
        amount = number_format(round(self.amount, places), places, use_l10n=True)
        symbol = SYMBOLS.get(self.currency)
        return f"{symbol}{amount}" if symbol else f"{amount} {self.currency}"


def _decimal(amount: object) -> Decimal:
    """The number as it is written: of a float not the binary one, which is a little more or less."""
    try:
        return Decimal(str(amount))
    except ArithmeticError:
        return Decimal("NaN")


@dataclass(frozen=True)
class Card:
    """What a shopper sees of a product. Its existence says that this shopper can buy the product now."""

    product_id: str
    title: str
    url: str
    image: str = ""
    price: Price | None = None
    category: str = ""
