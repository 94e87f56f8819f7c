"""What the recommendations know about the shop's products: all that a shop writes to install them."""

from recommendations.catalog import Card, Catalog, Price, register

from .models import Product


@register(Product)
class ProductCatalog(Catalog):
    def title(self, product: Product) -> str:
        return product.name

    def category(self, product: Product) -> list[str]:
        return [product.on_shelf.department, product.on_shelf.category]

    def brand(self, product: Product) -> str:
        return product.brand

    def price(self, product: Product):
        return product.price

    def is_available(self, product: Product) -> bool:
        return product.in_stock

    def card(self, product: Product, request) -> Card:
        return Card(
            product_id=self.product_id(product),
            title=product.name,
            url=product.get_absolute_url(),
            image=product.image,
            price=Price(product.price, "USD"),
            category=product.on_shelf.category,
        )
