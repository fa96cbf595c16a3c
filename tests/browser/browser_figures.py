"""The interactive figures, driven as readers drive them: by keys and mouse, with no kernel."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page

from .conftest import BOOK, PATIENCE, Faults, open_page

PAGES = {
    "network": "book/intro.html",
    "neuron": "book/01_neuron.html",
    "latency": "book/02_coding.html",
    "race": "book/03_forward.html",
    "targets": "book/04_targets.html",
    "latent": "book/07_binary.html",
    "packing": "book/09_one_bit.html",
}
Opener = Callable[[str], "Figure"]


class Figure(NamedTuple):
    """A figure of a page that is open."""

    name: str
    page: Page

    @property
    def frame(self) -> Locator:
        """Find the whole figure."""
        return self.part("figure")

    def part(self, name: str) -> Locator:
        """Find a part by the name that it has for tests."""
        return self.page.get_by_test_id(f"{self.name}-{name}")

    def says(self) -> str:
        """Read the sentence that tells what the picture shows."""
        return self.part("says").inner_text()

    def data(self, name: str) -> str | None:
        """Read what the figure tells of itself."""
        return self.frame.get_attribute(f"data-{name}")

    def press(self, name: str, key: str, times: int = 1) -> None:
        """Press a key while a part has the focus."""
        self.part(name).focus()
        for _ in range(times):
            self.page.keyboard.press(key)


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Opener]:
    """Return a function that opens a figure's page; at the end nothing may have failed on it."""
    pages: list[Page] = []
    faults = Faults()

    def open_figure(name: str) -> Figure:
        page = open_page(browser, address, PAGES[name], faults, theme="light", width=1280)
        pages.append(page)
        figure = Figure(name, page)
        figure.frame.wait_for()
        return figure

    yield open_figure
    for page in pages:
        page.context.close()
    assert faults.found == []


def test_each_figure_of_the_book_is_driven_here() -> None:
    shown = {
        str(page.relative_to(BOOK))
        for page in (BOOK / "book").glob("*.html")
        if "application/vnd.jupyter.widget-view+json" in page.read_text("utf8")
    }
    assert shown == set(PAGES.values())


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_a_picture_stands_in_its_place(
    browser: Browser, address: str, name: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{PAGES[name]}", timeout=PATIENCE)
    picture = page.get_by_role("img", name="Still of")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    context.close()
    assert box is not None
    assert min(box["width"], box["height"]) > 200


def test_the_network_decides_about_images_to_pick(opened: Opener) -> None:
    network = opened("network")
    network.part("sample-0").click()
    network.press("step", "End")
    assert (network.data("answer"), network.data("decision")) == ("0", "69")
    network.press("step", "Home")
    assert network.data("answer") == ""  # nobody has fired yet
    network.part("decision").click()
    assert network.data("answer") == "0"
    network.part("sample-11").click()
    assert network.data("decision") == "256"  # all outputs are silent


def test_a_digit_can_be_drawn_by_keys(opened: Opener) -> None:
    network = opened("network")
    network.part("clear").click()
    network.press("pad", "ArrowUp", 8)
    network.press("pad", "Space")
    network.press("pad", "ArrowDown", 16)
    network.press("pad", "Space")
    network.press("step", "End")
    assert network.data("answer") == "1"


def test_a_digit_can_be_drawn_by_mouse(opened: Opener) -> None:
    network = opened("network")
    network.part("clear").click()
    pad = network.part("pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2
    network.page.mouse.move(middle, box["y"] + 0.2 * box["height"])
    network.page.mouse.down()
    network.page.mouse.move(middle, box["y"] + 0.8 * box["height"], steps=20)
    network.page.mouse.up()
    network.press("step", "End")
    assert network.data("answer") == "1"


def test_the_neuron_follows_its_inputs(opened: Opener) -> None:
    neuron = opened("neuron")
    assert neuron.data("spike-time") == "7"
    before = neuron.says()
    neuron.press("threshold", "End")
    assert neuron.data("spike-time") == "12"  # too high: the neuron is silent
    assert neuron.says() != before
    neuron.part("reset").click()
    assert neuron.says() == before


def test_the_code_shows_what_has_arrived(opened: Opener) -> None:
    latency = opened("latency")
    latency.part("sample-0").click()
    latency.press("step", "Home")
    first = int(latency.data("spikes") or 0)
    latency.press("step", "End")
    assert int(latency.data("spikes") or 0) > first
    latency.part("window").select_option("4")
    assert "4" in latency.says()


def test_the_rules_of_decision_differ(opened: Opener) -> None:
    race = opened("race")
    names = ("first-spike", "lowest-index", "unique", "potential", "published")
    assert [race.part(name).inner_text() for name in names] == ["1", "0", "none", "1", "right"]
    race.part("label").select_option("2")
    assert race.part("published").inner_text() == "wrong"


def test_the_targets_follow_the_firing_times(opened: Opener) -> None:
    targets = opened("targets")
    start = targets.data("loss")
    targets.press("time-0", "Home")
    assert targets.data("loss") != start
    targets.part("reset").click()
    assert targets.data("loss") == start


def test_a_latent_weight_crosses_zero(opened: Opener) -> None:
    latent = opened("latent")
    assert latent.data("signs") != "+++-++"
    for _ in range(3):
        latent.part("step").click()
    assert (latent.data("signs"), latent.data("updates")) == ("+++-++", "3")


def test_bits_add_up(opened: Opener) -> None:
    packing = opened("packing")
    assert packing.data("sum") == "1"
    button = packing.part("fired-0")
    was = button.get_attribute("aria-pressed")
    packing.press("fired-0", "Space")
    assert button.get_attribute("aria-pressed") != was
    assert packing.data("sum") in {"0", "2"}
    packing.part("reset").click()
    assert packing.data("sum") == "1"
