from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from ..forms import RegisterForm
from ..models import Order


def register(request: HttpRequest) -> HttpResponse:
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.save())
        return redirect("home")
    return render(request, "shopdemo/register.html", {"form": form})


@login_required
def orders(request: HttpRequest) -> HttpResponse:
    found = Order.objects.filter(user=request.user).prefetch_related("lines__product")[:50]
    return render(request, "shopdemo/orders.html", {"orders": found})
