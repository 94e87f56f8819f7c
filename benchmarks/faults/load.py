"""What shoppers do meanwhile: pages are looked at and events sent, each with an id of its own."""

import http.client
import json
import secrets
import threading
import time
from dataclasses import dataclass, field

BEACON = "/recommendations/v1/interactions/"


@dataclass
class Seen:
    """What was answered."""

    pages: list[tuple[float, float, int]] = field(default_factory=list)  # (when, seconds, status; 0 = none)
    events: list[tuple[float, str, int, bool]] = field(default_factory=list)  # (when, id, status, has Retry-After)


class Load:
    """Two browsers that look at the home page and two that send events, until closed."""

    def __init__(
        self, port: int, products: list[str], cookies: list[str], page: str = "/", pause: float = 0.02
    ) -> None:
        self.port, self.products, self.cookies, self.page, self.pause = port, products, cookies, page, pause
        self.seen, self._stop = Seen(), threading.Event()
        work = (self._look, self._look, self._tell, self._tell)
        self._threads = [threading.Thread(target=each, args=(k,), daemon=True) for k, each in enumerate(work)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _look(self, number: int) -> None:
        turn = number
        while not self._stop.wait(self.pause):
            turn += 1
            began = time.monotonic()
            status, _, _ = self._ask("GET", self.page, cookie=self.cookies[turn % len(self.cookies)])
            self.seen.pages.append((began, time.monotonic() - began, status))

    def _tell(self, number: int) -> None:
        turn = number
        while not self._stop.wait(self.pause):
            turn += 1
            name, began = secrets.token_hex(8), time.monotonic()
            event = {"kind": "view", "product": self.products[turn % len(self.products)], "event_id": name}
            status, headers, body = self._ask("POST", BEACON, json.dumps(event), self.cookies[turn % len(self.cookies)])
            if status == 201 and json.loads(body)["accepted"] != 1:
                status = -1  # said to be stored, and not
            self.seen.events.append((began, name, status, "Retry-After" in headers))

    def _ask(self, method: str, path: str, body: str | None = None, cookie: str = "") -> tuple[int, dict, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Cookie": f"recommendations_shopper={cookie}", "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140"}
        if method == "POST":
            headers |= {"Content-Type": "text/plain", "Sec-Fetch-Site": "same-origin"}
            # Many addresses, as shoppers have: the throttles are not what is tried here.
            headers["X-Forwarded-For"] = f"203.0.113.{secrets.randbelow(250)}"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        except (OSError, http.client.HTTPException):
            return 0, {}, b""
        finally:
            connection.close()
