"""A web server on this machine that knows ranges, and can be told to misbehave."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What the server shows at every path but the special ones."""

    content: bytes = bytes(range(256)) * 5000
    version: str = '"v1"'
    break_after: int | None = None
    """Bytes after which the connection is closed; once."""
    ranges: bool = True
    redirect: str | None = None
    seen: list[str] = field(default_factory=list)
    """The Range header of each request, empty where there was none."""
    address: str = ""


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            site.seen.append(asked)
            if self.path == "/gone":
                self.send_error(404)
            elif site.redirect is not None:
                self.send_response(302)
                self.send_header("Location", site.redirect)
                self.end_headers()
            else:
                self.answer(asked)

        def answer(self, asked: str) -> None:
            found = re.fullmatch(r"bytes=(\d+)-", asked)
            same = self.headers.get("If-Range") in (None, site.version)
            start = int(found.group(1)) if found and site.ranges and same else 0
            if start and start >= len(site.content):
                self.send_error(416)
                return
            body = site.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(site.content) - 1}/{len(site.content)}")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", site.version)
            self.end_headers()
            stop, site.break_after = site.break_after, None
            self.wfile.write(body[:stop])
            if stop is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
