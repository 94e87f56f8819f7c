from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path
from django.views.generic import RedirectView

from .tiles import tile
from .views import account, browsing, buying, households

urlpatterns = [
    path("", browsing.home, name="home"),
    path("departments/<slug:slug>/", browsing.department, name="department"),
    path("categories/<slug:slug>/", browsing.category, name="category"),
    path("products/<int:pk>/", browsing.product, name="product"),
    path("search/", browsing.search, name="search"),
    path("cart/", buying.cart, name="cart"),
    path("cart/add/<int:pk>/", buying.add_to_cart, name="add_to_cart"),
    path("cart/change/<int:pk>/", buying.change_cart, name="change_cart"),
    path("checkout/", buying.checkout, name="checkout"),
    path("checkout/thanks/", buying.thanks, name="thanks"),
    path("login/", LoginView.as_view(template_name="shopdemo/login.html"), name="login"),
    path("logout/", households.StepOut.as_view(), name="logout"),
    path("register/", account.register, name="register"),
    path("orders/", account.orders, name="orders"),
    path("households/", households.households, name="households"),
    path("households/<int:number>/", households.step_in, name="step_in"),
    # For pages that name no icon of their own, as the admin's.
    path("favicon.ico", RedirectView.as_view(pattern_name="tile"), {"colour": "leaf", "code": "1f9fa"}),
    path("tiles/<slug:colour>/<slug:code>.svg", tile, name="tile"),
    path("recommendations/", include("recommendations.urls")),
    path("admin/", admin.site.urls),
]
