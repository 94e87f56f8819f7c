"""The ways into the table of interactions and out of it, each beside the least that could do the same."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client

from benchmarks.speed.client import make_client
from benchmarks.speed.clock import Work, rates
from benchmarks.speed.made import Rows, empty, make_shoppers, write_csv
from benchmarks.speed.peers import COOKIE
from recommendations.capture import import_interactions
from recommendations.ml.cleaning import DataReport
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Shopper
from recommendations.models.shopper import hash_key
from recommendations.retraining.reading import read_rows

BATCH = 500  # events of one request, and of one bulk_create
COPIED = "shopper_id, product_id, kind, source, quantity, query, occurred_at, list_id, event_key"
# What a training reads, by the shortest way: in any order, no shopper left out, nothing taken as removed.
READ = (
    "SELECT shopper_id, product_id, kind, floor(date_part('epoch', occurred_at))::bigint "
    "FROM recommendations_interaction"
)
URL = "/recommendations/v1/interactions/"


def into_the_table(rows: Rows, folder: Path, runs: int) -> dict[str, list[float]]:
    """COPY and import_interactions, each into the empty table."""
    write_csv([rows], folder / "rows.csv")

    def prepare_copy() -> Work:
        empty(shoppers_too=True)
        text = _copy_text(rows, make_shoppers(rows.shoppers))
        return lambda: _copy(text) or len(rows)

    def prepare_import() -> Work:
        empty(shoppers_too=True)
        return lambda: import_interactions(folder / "rows.csv").added

    return rates({"copy_rows_s": prepare_copy, "import_rows_s": prepare_import}, runs)


def over_http(rows: Rows, most: int, runs: int) -> dict[str, list[float]]:
    """bulk_create of the first rows, and the endpoint's batches of the same."""
    keys = make_shoppers(rows.shoppers)
    some = list(enumerate(islice(rows, most)))
    parts = [some[start : start + BATCH] for start in range(0, len(some), BATCH)]
    sent = [[_as_json(row) for _, row in part] for part in parts]
    send, cookies = make_client(), _log_in()

    def bulk_create() -> int:
        for part in parts:
            made = [_as_model(row, keys, event_key) for event_key, row in part]
            Interaction.objects.bulk_create(made, ignore_conflicts=True)
        return len(some)

    def batches() -> int:
        for part in sent:
            status, body = send(URL, part, cookies)
            assert status == 201, body
        return len(some)

    def after(work: Work) -> Callable[[], Work]:
        def prepare() -> Work:
            cache.clear()
            empty()
            return work

        return prepare

    found = rates({"bulk_create_rows_s": after(bulk_create), "batch_rows_s": after(batches)}, runs)
    assert Interaction.objects.count() == len(some)
    return found


def out_of_the_table(rows: Rows, runs: int) -> dict[str, list[float]]:
    """A bare cursor, and what training reads; over the whole of the rows."""
    empty(shoppers_too=True)
    _copy(_copy_text(rows, make_shoppers(rows.shoppers)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def read() -> int:
        return len(read_rows(Interaction.objects.all(), lambda share: None, DataReport())[0])

    return rates({"cursor_rows_s": lambda: _bare_cursor, "read_rows_s": lambda: read}, runs)


def one_by_one(rows: Rows, events: int, runs: int) -> dict[str, list[float]]:
    """A visitor's beacon, and the view that does the least for it; fewer than the throttle takes between two looks."""
    send, key, event = make_client(), "k" * 43, count()
    Shopper.objects.create(key_hash=hash_key(key))
    products = rows.product.tolist()

    def post(url: str, body: Callable[[int, int], dict[str, object]]) -> Work:
        def work() -> int:
            for number in range(events):
                if number % 100 == 0:
                    cache.clear()
                status, answer = send(url, body(next(event), products[number]), {COOKIE: key})
                assert status == 201 and b'"accepted":1' in answer, answer
            return events

        return work

    beacon = post(URL, lambda k, product: {"kind": "view", "product": str(product), "event_id": f"e{k}"})
    peer = post("/peers/interactions/", lambda k, product: {"product": product, "key": k})
    return rates({"peer_events_s": lambda: peer, "beacon_events_s": lambda: beacon}, runs)


def _copy_text(rows: Rows, keys: dict[int, int]) -> bytes:
    lines = (
        f"{keys[shopper]}\t{product}\t{kind}\t3\t1\t\t{datetime.fromtimestamp(time, UTC).isoformat()}\t\\N\t{number}\n"
        for number, (shopper, product, kind, time) in enumerate(rows)
    )
    return "".join(lines).encode()


def _copy(text: bytes) -> None:
    into = f"COPY recommendations_interaction ({COPIED}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(into) as copy:
        copy.write(text)


def _bare_cursor() -> int:
    connection.ensure_connection()
    read = 0
    with transaction.atomic(), closing(connection.connection.cursor("bare")) as cursor:
        cursor.execute(READ)
        while part := cursor.fetchmany(50_000):
            read += len(part)
    return read


def _as_json(row: tuple[int, int, int, int]) -> dict[str, object]:
    shopper, product, kind, time = row
    return {
        "shopper": f"s{shopper}",
        "product": str(product),
        "kind": Kind(kind).name.lower(),
        "occurred_at": datetime.fromtimestamp(time, UTC).isoformat(),
        "event_id": f"{shopper}-{product}-{kind}-{time}",
    }


def _as_model(row: tuple[int, int, int, int], keys: dict[int, int], event_key: int) -> Interaction:
    shopper, product, kind, time = row
    return Interaction(
        shopper_id=keys[shopper],
        product_id=product,
        kind=kind,
        source=Interaction.Source.SERVER,
        occurred_at=datetime.fromtimestamp(time, UTC),
        event_key=event_key,
    )


def _log_in() -> dict[str, str]:
    """The cookies of a user who may tell of other shoppers: checking a password takes its own time on purpose."""
    user = User.objects.create_user("till")
    user.user_permissions.add(Permission.objects.get(codename="add_interaction"))
    client = Client()
    client.force_login(user)
    return {name: morsel.value for name, morsel in client.cookies.items()}
