from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from ..models import Product
from .browsing import BrowsingAdmin


@admin.register(Product)
class ProductAdmin(BrowsingAdmin):
    """The mirror of the shop's products; it changes when the shop's own product does."""

    list_display = ["title_or_id", "product_id", "path", "brand", "price", "available", "updated_at"]
    fields = ["title", "product_id", "path", "brand", "price", "available", "created_at", "updated_at"]
    readonly_fields = fields
    search_fields = ["product_id", "title"]
    search_help_text = _("Part of a title or of a product id")

    @admin.display(description=_("product"))
    def title_or_id(self, product: Product) -> str:
        return str(product)

    @admin.display(description=_("category"))
    def path(self, product: Product) -> str:
        return " › ".join(product.category) or "-"
