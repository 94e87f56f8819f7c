from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpRequest

from .models import Product

KEY = "cart"
MOST = 99


@dataclass(frozen=True)
class CartLine:
    product: Product
    quantity: int

    @property
    def amount(self) -> Decimal:
        return self.product.price * self.quantity


class Cart:
    """What a session has put aside: product ids and quantities; prices are always the shop's current ones."""

    def __init__(self, request: HttpRequest) -> None:
        self.session = request.session
        self.quantities: dict[str, int] = dict(self.session.get(KEY, {}))

    def add(self, product_id: int, quantity: int) -> None:
        self.set(product_id, self.quantities.get(str(product_id), 0) + quantity)

    def set(self, product_id: int, quantity: int) -> None:
        """0 or less takes the product out."""
        if quantity > 0:
            self.quantities[str(product_id)] = min(quantity, MOST)
        else:
            self.quantities.pop(str(product_id), None)
        self.session[KEY] = self.quantities

    def clear(self) -> None:
        self.quantities = {}
        self.session[KEY] = {}

    def lines(self) -> list[CartLine]:
        """In the order in which they were added; what can't be bought any more leaves the cart."""
        if not self.quantities:
            return []
        found = Product.objects.filter(in_stock=True).in_bulk([int(key) for key in self.quantities])
        if len(found) < len(self.quantities):
            self.quantities = {key: count for key, count in self.quantities.items() if int(key) in found}
            self.session[KEY] = self.quantities
        return [CartLine(found[int(key)], count) for key, count in self.quantities.items()]


def total(lines: list[CartLine]) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0))
