"""The page of a run in a real browser: complete, legible at any width, silent, and harmless."""

from __future__ import annotations

import re
from pathlib import Path

import axe_core_python
import pytest

from tests.report.conftest import HOSTILE_CLASSES, HOSTILE_COLUMN, PAGES, SIDE_BY_SIDE
from tfxkit.report.page import SECTIONS

pytestmark = pytest.mark.browser

PHONE, DESK = 390, 1280
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
SMALLEST_PX = 9.0  # of letters in a figure


@pytest.mark.parametrize("name", PAGES)
def test_every_part_is_there_in_its_order(name, pages, chromium):
    chromium.open(pages[name], DESK)
    found = chromium.script("[...document.querySelectorAll('main > section')].map(s => s.id)")
    assert found == [section.key for section in SECTIONS]
    assert "could not be made" not in pages[name].read_text()


@pytest.mark.parametrize("name", SIDE_BY_SIDE)
def test_every_part_of_a_comparison_is_there(name, pages, chromium):
    chromium.open(pages[name], DESK)
    found = chromium.script("[...document.querySelectorAll('main > section')].map(s => s.id)")
    assert found == ["verdict", "quality", "data", "settings", "steps"]


@pytest.mark.parametrize("name", [*PAGES, *SIDE_BY_SIDE])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_asks_complains_or_sticks_out(name, width, pages, chromium):
    chromium.console()
    chromium.open(pages[name], width)
    assert chromium.script("document.documentElement.scrollWidth") <= width
    assert chromium.console() == []
    assert set(chromium.requests()) == {pages[name].as_uri()}


@pytest.mark.parametrize("name", [*PAGES, *SIDE_BY_SIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_axe_finds_nothing(name, scheme, width, pages, chromium):
    chromium.open(pages[name], width, scheme)
    chromium.script("document.querySelectorAll('details').forEach(d => d.open = true)")
    chromium.driver.execute_script(AXE)
    result = chromium.driver.execute_async_script(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})"
        ".then(arguments[0], e => arguments[0]({error: String(e)}))"
    )
    assert "error" not in result, result["error"]
    told = [
        f"{v['id']}: {v['help']}: {[n['html'][:120] for n in v['nodes'][:3]]}"
        for v in result["violations"]
    ]
    assert told == []
    assert len(result["passes"]) > 10  # it did look


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", ["compared", "hostile", "regression"])
def test_the_letters_of_figures_can_be_read(name, width, pages, chromium):
    chromium.open(pages[name], width)
    sizes = chromium.script(
        "[...document.querySelectorAll('svg.figure text')].map(t => "
        "parseFloat(getComputedStyle(t).fontSize) * "
        "Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b))"
    )
    assert len(sizes) > 20
    assert min(sizes) >= SMALLEST_PX


@pytest.mark.parametrize("name", ["compared", "unpaired"])
def test_the_keyboard_reaches_every_link_fold_and_box(name, pages, chromium):
    chromium.open(pages[name], DESK)
    wanted = chromium.script(
        "[...document.querySelectorAll('a[href], summary, [tabindex]')]"
        ".filter(e => e.checkVisibility()).map((e, i) => (e.dataset.number = i, i))"
    )
    reached = set()
    for _ in range(len(wanted) + 20):
        chromium.driver.execute_cdp_cmd(
            "Input.dispatchKeyEvent", {"type": "keyDown", "key": "Tab", "windowsVirtualKeyCode": 9}
        )
        reached.add(chromium.script("document.activeElement.dataset.number"))
    assert {int(number) for number in reached - {None}} == set(wanted)


def test_every_link_leads_somewhere_in_the_page(pages):
    for page in pages.values():
        text = page.read_text()
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'\bhref="#([^"]+)"', text)) <= set(ids)
        assert not re.findall(r'\b(?:href|src)="(?!#)', text)


@pytest.mark.parametrize("name", ["hostile", "hostile side by side"])
def test_names_that_are_markup_stay_text(name, pages, chromium):
    chromium.open(pages[name], DESK)
    tags = chromium.script(
        "[...new Set([...document.querySelectorAll('*')].map(e => e.localName))]"
    )
    assert not {"script", "img", "b", "iframe", "object"} & set(tags)
    shown = chromium.script("document.body.textContent")
    everywhere = [*HOSTILE_CLASSES, "{{ 7 * 7 }}"] if name == "hostile" else []
    for word in (*everywhere, HOSTILE_COLUMN):
        assert word in shown
    attributes = chromium.script(
        "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
    )
    assert not [name for name in attributes if name.startswith("on")]


def test_even_a_script_that_got_in_would_not_run_or_call_home(pages, tmp_path, chromium):
    inserted = (
        "<script>document.title = 'run'</script><img src='https://example.com/x'>"
        "<link rel='stylesheet' href='https://example.com/y'>"
    )
    page = tmp_path / "report.html"
    page.write_text(pages["pushed"].read_text().replace("<main>", f"<main>{inserted}"))
    chromium.open(page, DESK)
    assert chromium.driver.title != "run"
    refused = " ".join(chromium.console())
    assert refused.count("Content Security Policy") >= 3


@pytest.mark.parametrize(
    ("name", "headline", "reason"),
    [
        ("pushed", "Approved and pushed", "nothing to compare with"),
        ("compared", "Approved and pushed", "95% interval"),
        ("refused", "Not approved, not pushed", "below 0.9999"),
        ("stopped", "Stopped because of the data", "Cheque"),
        ("paired", "95% interval", "Paired"),
        ("unpaired", "95% interval", "Not paired"),
    ],
)
def test_the_first_screen_has_the_answer_and_its_reason(name, headline, reason, pages, chromium):
    for width in (PHONE, DESK):
        chromium.open(pages[name], width)
        first = chromium.script(
            "[...document.querySelectorAll('h1, .sentence, .sentence + p, .details')]"
            ".filter(e => e.getBoundingClientRect().top < 900).map(e => e.textContent).join(' ')"
        )
        assert headline in first and reason in first


@pytest.mark.parametrize("name", ["compared", "unpaired"])
def test_it_prints_on_white_paper_with_nothing_cut_off(name, pages, chromium):
    chromium.open(pages[name], DESK, "dark")
    assert chromium.pdf().startswith(b"%PDF")
    chromium.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert (
        chromium.script("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    )
    assert (
        chromium.script("getComputedStyle(document.querySelector('.scroll')).overflowX")
        == "visible"
    )
    chromium.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
