from urllib.parse import quote

from recommendations.catalog import Card, Catalog, register

from .models import Article


@register(Article)
class ArticleCatalog(Catalog):
    prefix = "article"

    def queryset(self):
        return Article.objects.filter(published=True)

    def title(self, product):
        return product.title

    def card(self, product, request):
        return Card(self.product_id(product), product.title, f"/read/{quote(product.slug, safe='')}/")
