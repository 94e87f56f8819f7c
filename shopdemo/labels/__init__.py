"""Labels that read like a shop's, made from the abbreviations of the Complete Journey data."""

from .sizes import shop_size
from .titles import Label, Shelf, not_sold, shelves, shop_label, titles

__all__ = ["Label", "Shelf", "not_sold", "shelves", "shop_label", "shop_size", "titles"]
