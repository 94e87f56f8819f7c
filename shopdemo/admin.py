from django.contrib import admin

from .models import Household, Order, OrderLine, Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "shelf", "price", "households", "in_stock"]
    list_filter = ["shelf", "store_brand", "in_stock"]
    search_fields = ["name"]


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    raw_id_fields = ["product"]
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["__str__", "name", "placed_at", "total"]
    inlines = [OrderLineInline]
    raw_id_fields = ["user"]


@admin.register(Household)
class HouseholdAdmin(admin.ModelAdmin):
    list_display = ["number", "purchases", "favourites"]
    search_fields = ["number", "favourites"]
    raw_id_fields = ["user"]
