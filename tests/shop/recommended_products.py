from django.db.models.functions import Length

from recommendations.catalog import Card, Catalog, Price, register

from .models import Book


@register(Book)
class BookCatalog(Catalog):
    def queryset(self):
        # The mirror's where keys are drawn: Book 2 before Book 10. PostgreSQL's own order changes with each vacuum.
        return super().queryset().order_by("price", Length("name"), "name")

    def title(self, product):
        return product.name

    def category(self, product):
        return ["Books", product.shelf]

    def brand(self, product):
        return product.publisher

    def price(self, product):
        return product.price

    def is_available(self, product):
        return product.in_stock

    def card(self, product, request):
        if product.members_only and not (request and request.user.is_authenticated):
            return None
        price = None if product.price is None else Price(product.price, "EUR")
        return Card(self.product_id(product), product.name, product.get_absolute_url(), price=price)
