from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from recommendations.models.texts import storable

from ..context import departments
from ..labels import shelves
from ..models import Household, Order, Product

PAGE = 24
PER_SHELF = 10
KINDS = 14


def home(request: HttpRequest) -> HttpResponse:
    """What is new to whoever bought nothing yet stands in the first list already."""
    return render(request, "shopdemo/home.html", {"has_bought": _has_bought(request)})


def _has_bought(request: HttpRequest) -> bool:
    """Whether it is a household, whose purchases were loaded, or somebody who placed an order."""
    if not request.user.is_authenticated:
        return False
    return hasattr(request.user, "household") or Order.objects.filter(user=request.user).exists()


def department(request: HttpRequest, slug: str) -> HttpResponse:
    """The department's categories, each with its most bought products."""
    found = next((one for one in departments() if one["slug"] == slug), None)
    if found is None:
        raise Http404(f"no department {slug!r}")
    rows = [(shelf, Product.objects.sold().on_shelves(shelf.slug)[:PER_SHELF]) for shelf in found["shelves"]]
    return render(request, "shopdemo/department.html", {"department": found, "rows": rows})


def category(request: HttpRequest, slug: str) -> HttpResponse:
    """All products of one shelf, most bought first; `kind` narrows them to one kind of product."""
    shelf = shelves().get(slug)
    if shelf is None:
        raise Http404(f"no category {slug!r}")
    products = Product.objects.sold().on_shelves(slug)
    kinds = products.order_by().values("title").annotate(count=Count("pk")).order_by("-count", "title")[:KINDS]
    kind = storable(request.GET.get("kind", ""))
    if kind:
        products = products.filter(title=kind)
    page = Paginator(products, PAGE).get_page(request.GET.get("page"))
    context = {"shelf": shelf, "page": page, "kinds": kinds, "kind": kind}
    return render(request, "shopdemo/category.html", context)


def product(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Product, pk=pk)
    siblings = Product.objects.sold().filter(title=found.title).exclude(pk=pk)[:8]
    context = {"product": found, "siblings": siblings, "all_households": Household.objects.count()}
    return render(request, "shopdemo/product.html", context)


def search(request: HttpRequest) -> HttpResponse:
    query = " ".join(storable(request.GET.get("q", "")).split())[:100]
    products = Product.objects.sold().matching(query) if query else Product.objects.none()
    page = Paginator(products, PAGE).get_page(request.GET.get("page"))
    return render(request, "shopdemo/search.html", {"query": query, "page": page})
