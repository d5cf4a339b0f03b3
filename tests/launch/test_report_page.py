"""The page of a report opens from disk without a network, on small and large screens, in light and dark."""

import pytest

from launch.runs.reporting.calibrating import Fitting
from launch.runs.reporting.report import Request, make_report
from tests.chromium import open_chromium
from tests.launch.reported import write_plates, write_reader

LONG = "x" * 120
"""Name of a file and of a folder that is too long for a line."""


@pytest.fixture(scope="module")
def browser():
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(browser, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("report")
    plates = [(f"{LONG}{number}.png", text, text[:2] + "8") for number, text in enumerate(("128", "481", "907", "365"))]
    data = f"folder:{write_plates(folder / LONG, plates)}"
    readers = write_reader(folder / "right"), write_reader(folder / "confusing", confusing=True)
    request = Request(
        artifact=str(readers[0]),
        data=(data,),
        against=str(readers[1]),
        out=str(folder / "out"),
        fitting=Fitting(f"kept:0.5:{data}"),
    )
    return make_report(request).as_uri()


@pytest.fixture
def open_page(browser, address):
    """Opens the page; at the end it has asked for nothing and reported no error."""
    contexts, problems = [], []

    def open_page(width: int, scheme: str = "light"):
        contexts.append(
            browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
        )
        page = contexts[-1].new_page()
        page.on("request", lambda request: problems.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [each for each in problems if each != address and not each.startswith("data:")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_screen_needs_scrolling_sideways(open_page, width, scheme):
    page = open_page(width, scheme)
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    assert page.evaluate("() => [...document.images].every(image => image.alt)")


def test_figures_and_text_differ_from_the_ground_in_both_themes(open_page):
    script = """() => {
      const text = document.querySelector("figure svg text"), section = document.querySelector("section");
      const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, x) => sum + Number(x), 0) / 3;
      return [light(getComputedStyle(text).fill), light(getComputedStyle(section).backgroundColor)];
    }"""
    ink, ground = open_page(1280, "light").evaluate(script)
    assert ink < 60 < 200 < ground
    ink, ground = open_page(1280, "dark").evaluate(script)
    assert ground < 60 < 200 < ink


def test_titles_sort_tables(open_page):
    page = open_page(1280)
    table = page.locator("#characters table").first
    column = table.locator("tbody tr td:nth-child(2)")
    before = column.all_inner_texts()
    table.get_by_role("button", name="in labels").click()
    falling = column.all_inner_texts()
    table.get_by_role("button", name="in labels").click()
    assert falling == sorted(before, key=int, reverse=True)
    assert column.all_inner_texts() == sorted(before, key=int)
    assert before != falling


def test_links_lead_to_their_sections(open_page):
    page = open_page(390)
    for link in page.locator("nav a").all():
        assert page.locator(link.get_attribute("href")).count() == 1
