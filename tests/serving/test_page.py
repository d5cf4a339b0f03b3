"""The page of the server works in a browser: by keyboard, on a phone, with broken files, and asks its server alone."""

import contextlib
import json
import re
import socket
import threading
import time

import cv2
import numpy as np
import pytest

from recog.export.artifact import Artifact
from recog.serving.page import load_page
from tests.chromium import open_chromium
from tests.painted_plates import box, paint, photograph, write_artifacts

BROKEN = b"\x89PNG\r\n\x1a\n" + 40 * b"\0"
TOKEN = "sesame"


def _encoded(*plates):
    """PNG of a photograph of 300 x 200 pixels with plates: texts with their left edges."""
    picture = photograph(200, 300)
    for text, left in plates:
        paint(picture, text, box(left, 80, left + 120, 120))
    return _png(picture)


def _plate_alone(text):
    picture = photograph(40, 120)
    paint(picture, text, box(0, 0, 120, 40))
    return picture


def _png(picture):
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()


def _file(name, content):
    return {"name": name, "mimeType": "image/png", "buffer": content}


LINE, PLATE = _file("line.png", _png(_plate_alone("159"))), _file("plate.png", _encoded(("427", 30)))


@contextlib.contextmanager
def _served(models, token=""):
    """Address of a server that runs in a thread."""
    uvicorn = pytest.importorskip("uvicorn")
    from recog.serving.app import make_app
    from recog.serving.lifecycle import Lifecycle
    from recog.serving.limits import Limits
    from recog.serving.metrics import Metrics

    limits = Limits()
    lifecycle = Lifecycle(limits.requests)
    lifecycle.ready()
    app = make_app(models, limits, Metrics(), lifecycle, token)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while thread.is_alive() and not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    pytest.importorskip("fastapi")
    from recog.serving.models import Models

    finder, reader = map(Artifact.load, write_artifacts(tmp_path_factory.mktemp("artifacts")))
    models = Models({"digits": reader}, finder)
    yield models
    models.close()


@pytest.fixture(scope="module")
def server(models):
    with _served(models) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser, server):
    """Opens the page in a fresh window; at the end it has asked no other server and reported no error of its own."""
    contexts, urls, errors = [], [], []

    def open_page(address=server, width=1000, **settings):
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, **settings))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)  # decoders are compiled
        page.on("request", lambda request: urls.append((address, request.url)))
        page.on(
            "console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert urls
    assert [url for address, url in urls if not url.startswith((f"{address}/", "blob:", "data:"))] == []
    own = [error for error in errors if not error.startswith("Failed to load resource")]  # an answer such as 415
    assert own == []


def _card(page, name):
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name, exact=True))


def test_the_page_may_run_its_own_script_and_ask_its_server_only():
    policy = dict(part.split(" ", 1) for part in load_page().headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for kind in ("script-src", "style-src"):
        assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy[kind])
    assert "innerHTML" not in load_page().html
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", load_page().html)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_black_and_white_ink_show_on_transparent_pictures(open_page, scheme):
    pixels = np.zeros((40, 120, 4), np.uint8)
    pixels[:, :40] = 0, 0, 0, 255
    pixels[:, 80:] = 255
    page = open_page(color_scheme=scheme)
    page.set_input_files("#files", [_file("ink.png", cv2.imencode(".png", pixels)[1].tobytes())])
    shown = _card(page, "ink.png").locator(".picture img")
    shown.wait_for()
    found = cv2.imdecode(np.frombuffer(shown.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert found is not None
    parts = np.array_split(found.astype(int), 3, axis=1)
    black, clear, white = (part[10:-10, 10:-10] for part in parts)  # off the edges
    assert clear.min() - black.max() > 80
    assert white.min() - clear.max() > 50


def test_plates_are_read_and_drawn_beside_the_error_of_a_broken_file(open_page):
    page = open_page()
    two = _file("two.png", _encoded(("427", 10), ("159", 170)))
    page.set_input_files("#files", [PLATE, _file("broken.png", BROKEN), two])
    page.get_by_role("heading", name="2 pictures read, 1 not read").wait_for()
    card = _card(page, "plate.png")
    assert card.locator(".text").inner_text() == "427"
    assert card.locator(".characters span").all_inner_texts() == ["4", "2", "7"]
    assert all(re.fullmatch(r"\d+", sure) for sure in card.locator(".characters small").all_inner_texts())
    points = card.locator("svg polygon:not(.under)").get_attribute("points")
    corners = [[float(x) for x in point.split(",")] for point in points.split()]
    assert corners == [pytest.approx(corner, abs=3) for corner in box(30, 80, 150, 120).tolist()]
    assert card.locator("svg").get_attribute("viewBox") == "0 0 300 200"
    broken = _card(page, "broken.png")
    assert "Not read." in broken.locator(".notice").inner_text()
    broken.get_by_role("button", name="Try again").wait_for()
    assert page.locator("#trouble").is_hidden()


def test_lines_are_read_with_options_and_copied(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Pictures show").select_option(label="One line of text")
    page.get_by_label("Readings to list").fill("3")
    page.get_by_label("Pattern").fill("[1-8]*")
    page.set_input_files("#files", [LINE])
    card = _card(page, "line.png")
    rows = card.get_by_role("row")
    rows.nth(2).wait_for()
    assert rows.count() == 3
    assert "158" in rows.first.inner_text()
    card.get_by_role("button", name="Copy JSON").click()
    card.get_by_role("button", name="Copied").wait_for()
    copied = json.loads(page.evaluate("() => navigator.clipboard.readText()"))
    assert (copied["file"], copied["text"], len(copied["readings"])) == ("line.png", "158", 3)
    page.get_by_label("Pattern").fill("[1-")
    page.get_by_role("button", name="Read again with these options").click()
    assert "pattern" in card.locator(".notice").inner_text().lower()
    assert page.get_by_role("button", name="Copy all as text").is_disabled()


def test_everything_works_by_keyboard(open_page):
    page = open_page()
    page.get_by_text("digits (text)").wait_for()

    def press_until(key, wanted):
        for _ in range(20):
            page.keyboard.press(key)
            if page.evaluate("() => document.activeElement.id || document.activeElement.textContent") == wanted:
                return
        raise AssertionError(f"{wanted} is not reached by {key}")

    press_until("Tab", "files")
    assert page.evaluate("() => getComputedStyle(document.querySelector('#drop label')).outlineStyle") == "solid"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files([PLATE])
    _card(page, "plate.png").locator(".text").wait_for()
    assert "plate.png: 427" in page.get_by_role("status").inner_text()
    press_until("Tab", "task")
    page.keyboard.press("ArrowDown")
    press_until("Tab", "again")
    page.keyboard.press("Enter")
    page.locator(".plates").wait_for(state="detached")
    _card(page, "plate.png").locator(".text").wait_for()
    page.locator("#clear").focus()
    page.keyboard.press("Tab")  # the picture
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    press_until("Tab", "Remove")
    page.keyboard.press("Enter")
    page.locator(".card").wait_for(state="detached")
    assert page.evaluate("() => document.activeElement.id") == "files"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_scrolling_sideways(open_page, scheme):
    page = open_page(width=320, color_scheme=scheme)
    page.locator("summary").click()
    name = f"{80 * 'm'}.png"
    page.set_input_files("#files", [_file(name, PLATE["buffer"]), _file("broken.png", BROKEN)])
    page.get_by_role("heading", name="1 picture read, 1 not read").wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth") == 320


def test_pictures_are_pasted_and_dropped_and_names_are_never_markup(open_page):
    page = open_page()
    page.get_by_text("digits (text)").wait_for()
    name = "<img src=x onerror=alert(1)>.png"
    for event, target in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        page.evaluate(
            """([event, target, name, content]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(content)], name, {type: "image/png"}));
              const kind = event === "paste" ? ClipboardEvent : DragEvent;
              document.body.dispatchEvent(new kind(event, {[target]: data, cancelable: true, bubbles: true}));
            }""",
            [event, target, f"{event} {name}", list(LINE["buffer"])],
        )
        _card(page, f"{event} {name}").locator(".text", has_text="159").wait_for()


def test_a_token_is_asked_for_and_pictures_wait_for_it(open_page, models):
    with _served(models, TOKEN) as address:
        page = open_page(address)
        page.get_by_label("Access token", exact=True).fill("wrong")
        page.keyboard.press("Enter")
        page.get_by_text("It refused the one given").wait_for()
        page.set_input_files("#files", [PLATE])
        page.get_by_text("Waiting for the server").wait_for()
        page.get_by_label("Access token", exact=True).fill(TOKEN)
        page.keyboard.press("Enter")
        _card(page, "plate.png").locator(".text", has_text="427").wait_for()
        assert page.get_by_label("Access token", exact=True).is_hidden()


def test_a_server_that_does_not_answer_is_named_and_asked_again(open_page):
    page = open_page()
    page.get_by_text("digits (text)").wait_for()
    page.route("**/v1/plates*", lambda route: route.abort())
    page.set_input_files("#files", [PLATE])
    trouble = page.get_by_role("alert")
    trouble.get_by_text("The server did not answer.").wait_for()
    page.unroute("**/v1/plates*")
    trouble.get_by_role("button", name="Try again").click()
    _card(page, "plate.png").locator(".text", has_text="427").wait_for()
    assert trouble.is_hidden()


def test_a_busy_server_is_asked_again_after_the_time_it_says(open_page):
    page = open_page()
    page.get_by_text("digits (text)").wait_for()
    busy = {"status": 503, "headers": {"Retry-After": "1"}, "json": {"error": "busy: try again", "status": 503}}
    page.route("**/v1/plates*", lambda route: route.fulfill(**busy), times=1)
    page.set_input_files("#files", [PLATE])
    page.get_by_text("Busy: try again. Next attempt in 1 second.").wait_for()
    _card(page, "plate.png").locator(".text", has_text="427").wait_for()
