"""The tables. Every question asked of the database lives in their querysets."""

from .hidden_product import HiddenProduct
from .interaction import Interaction
from .popularity import ProductPopularity
from .product import Product
from .product_pair import ProductPair
from .recommender_version import RecommenderVersion
from .removal import RemovedProduct
from .shopper import Shopper

__all__ = [
    "HiddenProduct",
    "Interaction",
    "Product",
    "ProductPair",
    "ProductPopularity",
    "RecommenderVersion",
    "RemovedProduct",
    "Shopper",
]
