"""Sphinx extension: the buttons at the top of a page lead somewhere, or are not there.

- A page with cells offers its notebook, ``book/NN_name.ipynb``, for download; the theme by itself
  does so only where a launch button is set up.
- Colab, Binder, the repository and its issues are offered once ``_config.yml`` names an address.
"""

from pathlib import Path
from shutil import copyfile
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

# As the theme calls them: https://sphinx-book-theme.readthedocs.io
LEADING_TO_THE_REPOSITORY = {
    "use_repository_button": True,
    "use_issues_button": True,
    "launch_buttons": {
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
        "notebook_interface": "jupyterlab",
    },
}


def add_buttons(app: Sphinx, config: Config) -> None:
    """Where there is a repository, add the buttons that lead to it."""
    if config.html_theme_options.get("repository_url"):
        config.html_theme_options.update(LEADING_TO_THE_REPOSITORY)


def offer_notebook(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Put the page's notebook beside its source, and its name where the theme looks for it."""
    source = Path(app.env.doc2path(pagename)) if pagename in app.env.found_docs else None
    if source is None or not source.with_suffix(".ipynb").exists():
        return
    name = f"{pagename}.ipynb"
    target = Path(app.outdir) / "_sources" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    copyfile(source.with_suffix(".ipynb"), target)
    context["ipynb_source"] = name


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx when to call them: before the theme (500) makes its buttons."""
    app.connect("config-inited", add_buttons)
    app.connect("html-page-context", offer_notebook, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
