"""Requests to the whole application in this process: middleware, routing, view and answer, without a network."""

import io
import json
from collections.abc import Callable
from typing import Any


def make_client() -> Callable[..., tuple[int, bytes]]:
    """post(path, data, cookies): (status, body), through the WSGI handler as a server calls it."""
    from django.core.handlers.wsgi import WSGIHandler

    handler = WSGIHandler()

    def send(path: str, data: Any = None, cookies: dict[str, str] | None = None) -> tuple[int, bytes]:
        path, _, query = path.partition("?")
        body = b"" if data is None else json.dumps(data).encode()
        environ = {
            "REQUEST_METHOD": "GET" if data is None else "POST",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
            "HTTP_SEC_FETCH_SITE": "same-origin",
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items()),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        status: list[str] = []
        response = handler(environ, lambda line, headers: status.append(line))
        content = b"".join(response)
        response.close()
        return int(status[0].split()[0]), content

    return send
