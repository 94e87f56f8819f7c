from .household import Household
from .load import FinishedLoad
from .order import Order, OrderLine
from .product import Product

__all__ = ["FinishedLoad", "Household", "Order", "OrderLine", "Product"]
