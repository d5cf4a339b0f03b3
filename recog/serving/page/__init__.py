"""Page of the server: reads pictures in a browser.

``index.html`` holds its style and script and loads nothing else.
"""

import base64
import hashlib
import re
from importlib import resources
from typing import NamedTuple


class Page(NamedTuple):
    """A page with the headers that it must be sent with."""

    html: str
    headers: dict[str, str]
    """Names and values; they let the browser run the page's own script and style, and ask this server, nothing else."""


def load_page() -> Page:
    """Loads the page; its headers allow its script and its style by their SHA-256."""
    html = resources.files(__name__).joinpath("index.html").read_text("utf-8")
    policy = (
        "default-src 'none'",
        f"script-src {_hash(html, 'script')}",
        f"style-src {_hash(html, 'style')}",
        "img-src blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    headers = {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    return Page(html, headers)


def _hash(html: str, tag: str) -> str:
    """Source expression of the content of the page's only element with this tag."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
