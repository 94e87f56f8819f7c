"""A real shop's past through import_interactions: Online Retail II, a year of a British gift shop's invoices.

`python -m benchmarks.online_retail --data FOLDER --json OUT` converts the file, imports it twice into a new
SQLite database and prints counts and rows a second. `--csv OUT` only converts: then
`manage.py import_interactions OUT --timezone Europe/London --rejected BAD` is all that is left to do, with
RECOMMENDATIONS["RETENTION_DAYS"] at 36500, since these years are long past. The rules, from the data's README:

- a cancellation (its invoice starts with C) is a return of that many;
- a guest's invoice has a shopper of its own, guest:INVOICE;
- lines without a price are corrections of stock, not sales: left out here;
- codes that are no products (POST, M, BANK CHARGES ...) are not in the catalog: the import rejects them and says so;
- codes are written in capitals, so that 15056bl is 15056BL; a product's title is its most frequent description.

Data: D. Chen, Online Retail II, 2012, doi 10.24432/C5CG6D, CC BY 4.0.
"""

import argparse
import csv
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.packed import open_text

FILE = Path("online-retail-ii") / "online_retail_2009_2010.csv.gz"
COLUMNS = ("shopper", "product", "kind", "occurred_at", "quantity", "order")
PRODUCT = re.compile(r"\d{5}")

Row = dict[str, str]


def find_data(folder: str = "") -> Path | None:
    """The file in `folder`, else in RECOMMENDATIONS_DATA or ../shared/data beside the checkout; None when missing."""
    folder = folder or os.environ.get("RECOMMENDATIONS_DATA", "")
    base = Path(folder) if folder else Path(__file__).parents[2] / "shared" / "data"
    return next(filter(Path.exists, (base / FILE, base / FILE.name)), None)


def read_rows(file: Path) -> list[Row]:
    """The file's rows as they are."""
    with open_text(file) as stream:
        return list(csv.DictReader(stream))


def code_of(row: Row) -> str:
    """The stock code in one spelling."""
    return row["stock_code"].strip().upper()


def titles(rows: Iterable[Row]) -> dict[str, str]:
    """Product code -> most frequent description, or the code itself where nobody described it."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if PRODUCT.match(code_of(row)):
            seen[code_of(row)].update(filter(None, [" ".join(row["description"].split())]))
    return {code: names.most_common(1)[0][0] if names else code for code, names in seen.items()}


def converted(rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    """Rows of import_interactions; the lines of an invoice, which the file may scatter, stand together."""
    invoices: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if float(row["price"]) > 0:
            invoices[row["invoice"]].append(row)
    for invoice, lines in invoices.items():
        kind = "return" if invoice.startswith("C") else "purchase"
        for row in lines:
            shopper, quantity = row["customer_id"] or f"guest:{invoice}", row["quantity"]
            quantity = quantity.removeprefix("-") if kind == "return" else quantity
            yield shopper, code_of(row), kind, row["invoice_date"], quantity, invoice


def write_csv(rows: Iterable[Row], file: Path) -> int:
    """Write what import_interactions reads; returns the number of rows."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        return sum(1 for row in converted(rows) if writer.writerow(row))


def measure(rows: list[Row], folder: Path) -> dict[str, object]:
    """Counts and speed of a first and a second import into the configured database."""
    from zoneinfo import ZoneInfo

    from recommendations.capture import import_interactions
    from recommendations.models import Product

    names = titles(rows).items()
    Product.objects.bulk_create([Product(product_id=code, title=title) for code, title in names], batch_size=500)
    figures: dict[str, object] = {"rows": write_csv(rows, folder / "rows.csv"), "products": len(names)}
    for name in ("first", "second"):
        start = perf_counter()
        result = import_interactions(folder / "rows.csv", naive_times=ZoneInfo("Europe/London"))
        took = perf_counter() - start
        figures[name] = {**vars(result), "seconds": round(took, 1), "rows_a_second": round(result.read / took)}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="", metavar="FOLDER", help=f"where {FILE.name} is")
    parser.add_argument("--csv", type=Path, metavar="OUT", help="only convert")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args()
    file = find_data(options.data)
    if file is None:
        raise SystemExit(f"{FILE.name} is missing: name its folder with --data or in RECOMMENDATIONS_DATA.")
    if options.csv:
        print(f"{write_csv(read_rows(file), options.csv):,} rows in {options.csv}")
        return
    with TemporaryDirectory() as name:
        os.environ["DATABASE_URL"] = f"sqlite:///{name}/benchmark.sqlite3"
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django
        from django.core.management import call_command
        from django.test import override_settings

        from recommendations.conf import FOR_EVER

        django.setup()
        call_command("migrate", verbosity=0)
        with override_settings(RECOMMENDATIONS={"RETENTION_DAYS": FOR_EVER}):
            text = json.dumps(measure(read_rows(file), Path(name)), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
