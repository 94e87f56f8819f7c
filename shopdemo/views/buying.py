from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from recommendations.capture import record, record_order
from recommendations.ml.kinds import Kind

from ..cart import MOST, Cart, CartLine, total
from ..forms import CheckoutForm, QuantityForm
from ..models import Order, OrderLine, Product

PLACED = "placed_order"


def cart(request: HttpRequest) -> HttpResponse:
    lines = Cart(request).lines()
    return render(request, "shopdemo/cart.html", {"lines": lines, "total": total(lines)})


@require_POST
def add_to_cart(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Product, pk=pk, in_stock=True)
    if quantity := _quantity(request):
        Cart(request).add(found.pk, quantity)
        messages.success(request, f"{found.name} is in your cart.")
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if safe else "cart")


@require_POST
def change_cart(request: HttpRequest, pk: int) -> HttpResponse:
    quantity = _quantity(request)
    if quantity is None:
        return redirect("cart")
    if quantity > 0:
        get_object_or_404(Product, pk=pk)
    if quantity == 0 and str(pk) in Cart(request).quantities:
        record(request, Kind.REMOVE_FROM_CART, product=pk)
    Cart(request).set(pk, quantity)
    return redirect("cart")


def checkout(request: HttpRequest) -> HttpResponse:
    lines = Cart(request).lines()
    if not lines:
        return redirect("cart")
    form = CheckoutForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        order = place_order(request, lines, form)
        Cart(request).clear()
        request.session[PLACED] = order.pk
        return redirect("thanks")
    return render(request, "shopdemo/checkout.html", {"lines": lines, "total": total(lines), "form": form})


@transaction.atomic
def place_order(request: HttpRequest, lines: list[CartLine], form: CheckoutForm) -> Order:
    """Store the order and tell the recommendations; both or neither. The lines share the order's time."""
    order = form.save(commit=False)
    order.user = request.user if request.user.is_authenticated else None
    order.placed_at = timezone.now()
    order.save()
    for line in lines:
        OrderLine.objects.create(order=order, product=line.product, quantity=line.quantity, price=line.product.price)
    bought = [(line.product.pk, line.quantity) for line in lines]
    record_order(request, bought, order_id=order.pk, occurred_at=order.placed_at)
    return order


def thanks(request: HttpRequest) -> HttpResponse:
    """The order that this session has just placed."""
    order = get_object_or_404(Order, pk=request.session.get(PLACED))
    return render(request, "shopdemo/thanks.html", {"order": order, "lines": order.lines.select_related("product")})


def _quantity(request: HttpRequest) -> int | None:
    """How many were asked for; None for what is no quantity, which the next page says."""
    form = QuantityForm(request.POST)
    if form.is_valid():
        return form.cleaned_data["quantity"]
    messages.error(request, f"How many? A whole number up to {MOST}, please. Your cart is as it was.")
    return None
