"""The pictures of the interactive figures: that they are up to date, and where they are shown."""

from pathlib import Path

import figure_pictures
import nbformat.v4
import pytest
from figure_pictures import FOLDER, LIMIT, VIEW, as_png, shown, texts
from PIL import Image
from small_book import build

import minibs4nn as bs

ROOT = Path(__file__).resolve().parent.parent
CONF = """
extensions = ["myst_nb", "figure_pictures"]
nb_execution_mode = "off"
"""
FIGURES = list(shown())


def test_the_book_shows_every_figure_once() -> None:
    names = [name.removesuffix("Figure").lower() for name in bs.figures.__all__]
    assert sorted(figure.name for figure in FIGURES) == sorted(names)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_has_a_picture_of_what_it_is_now(figure: figure_pictures.Shown) -> None:
    path = ROOT / FOLDER / f"{figure.name}.png"
    assert path.stat().st_size <= LIMIT
    assert texts(path)["Source"] == figure.source, "make pictures takes it again"
    assert len(texts(path)["Description"].split()) > 20


def test_a_picture_is_sharp_and_carries_its_texts(tmp_path: Path) -> None:
    path = tmp_path / "some.png"
    Image.new("RGBA", (40, 20), "red").save(path)
    path.write_bytes(as_png(path.read_bytes(), Description="Red – all of it.", Source="1"))
    assert texts(path) == {"Description": "Red – all of it.", "Source": "1"}
    with Image.open(path) as picture:
        assert picture.size == (40, 20)
        assert round(picture.info["dpi"][0]) == 192
        assert picture.convert("RGB").getpixel((7, 7)) == (255, 0, 0)


def page(folder: Path, *names: str) -> None:
    """Write a page with figures as they are after it has run, and the picture of one of them."""
    cells = [nbformat.v4.new_markdown_cell("# A page")]
    for name in names:
        data = {VIEW: {"model_id": "1"}, "text/plain": f"{name}Figure: something to drag"}
        output = nbformat.v4.new_output("display_data", data)
        cells.append(nbformat.v4.new_code_cell("live", outputs=[output]))
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.language_info = {"name": "python", "pygments_lexer": "python"}
    nbformat.write(notebook, folder / "index.ipynb")
    (folder / FOLDER).mkdir(parents=True)
    picture = (ROOT / FOLDER / "neuron.png").read_bytes()
    (folder / FOLDER / "neuron.png").write_bytes(picture)


def test_in_a_browser_the_picture_is_for_want_of_scripts(tmp_path: Path) -> None:
    page(tmp_path, "Neuron", "Other")
    done = build(tmp_path, "html", CONF, "-W")
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "html" / "index.html").read_text("utf8")
    assert html.count(f'<script type="{VIEW}">') == 2
    _, after = html.split("<noscript>")
    picture, _ = after.split("</noscript>")
    assert 'src="_images/neuron.png"' in picture
    assert 'alt="Still of' in picture
    assert "something to drag" not in html


def test_in_print_the_picture_stands_above_the_sentence(tmp_path: Path) -> None:
    page(tmp_path, "Neuron", "Other")
    done = build(tmp_path, "latex", CONF, "-W")
    assert done.returncode == 0, done.stderr
    latex = next((tmp_path / "latex").glob("*.tex")).read_text("utf8")
    pictures = latex.count(r"\sphinxincludegraphics")
    order = ("{{neuron}.png}", "Something to drag.", "OtherFigure:")
    places = [latex.index(text) for text in order]
    assert pictures == 1
    assert places == sorted(places)
