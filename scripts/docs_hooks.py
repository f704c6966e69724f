# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Hooks of MkDocs: pages of the site for notebooks, and for what the pages of `docs/` link to outside of `docs/`.

The Markdown files are read in two places, in the repository and on the site. In the repository a link leads to a file, wherever it is.
The site gets a page for each linked file: README.md and its like as they are, sources as listings. So one link works in both, and the
site needs no repository behind it.
"""

import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)")
"""The file of a link or image in Markdown."""
MARKDOWN = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
"""Pages in the root of the repository."""
LISTING = """---
search:
  exclude: true
---
# {path}

````{language} linenums="1"
{text}
````
"""
LANGUAGES = {".py": "python", ".cpp": "cpp", ".toml": "toml"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook, and for each file outside of `docs/` that a page links to."""
    for path in MARKDOWN:
        files.append(File.generated(config, site_page(path), content=(ROOT / path).read_text()))
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        for path, content in notebook_page(notebook):
            files.append(File.generated(config, path, content=content))
    linked = {path for page in files.documentation_pages() for path in outside(page) if (ROOT / path).is_file()}
    for path in sorted(linked - set(MARKDOWN)):
        text = LISTING.format(path=path, language=LANGUAGES.get(Path(path).suffix, "text"), text=(ROOT / path).read_text().rstrip())
        files.append(File.generated(config, site_page(path), content=text))
    return files


def notebook_page(notebook: File) -> list[tuple[str, str | bytes]]:
    """The page of a notebook with its stored outputs, and the page's images: paths in the site's sources, and contents."""
    page = site_page(f"docs/{notebook.src_uri}")
    stem = posixpath.splitext(posixpath.basename(page))[0]
    text, resources = MarkdownExporter().from_filename(notebook.abs_src_path, {"unique_key": stem, "output_files_dir": f"{stem}_files"})
    images = [(posixpath.join(posixpath.dirname(page), name), data) for name, data in resources["outputs"].items()]
    return [(page, text), *images]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - called by keyword
    """Let links lead to the pages of the site; those to files that have none stay as they are, and strict mode reports them."""
    here = page.file.src_uri

    def link(match: re.Match[str]) -> str:
        there = site_page(target(here, match[1]))
        return posixpath.relpath(there, posixpath.dirname(here)) if files.get_file_from_path(there) else match[0]

    return LINK.sub(link, markdown)


def outside(page: File) -> set[str]:
    """The files outside of `docs/` that a page links to, as paths from the root of the repository."""
    if not page.src_uri.endswith(".md"):
        return set()
    paths = {target(page.src_uri, match) for match in LINK.findall(page.content_string)}
    return {path for path in paths if not path.startswith(("docs/", ".."))}


def target(src_uri: str, link: str) -> str:
    """The path from the root of the repository to which a link on a page of the site leads in the repository."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(repository_file(src_uri)), link))


def site_page(path: str) -> str:
    """The page of a file of the repository, as a path in the site's sources."""
    if path.startswith("docs/"):
        return re.sub(r"\.ipynb$", ".md", path.removeprefix("docs/"))
    return f"project/{path.lower()}" if path in MARKDOWN else f"source/{path}.md"


def repository_file(src_uri: str) -> str:
    """The inverse of `site_page`."""
    if src_uri.startswith("source/"):
        return src_uri.removeprefix("source/").removesuffix(".md")
    stem, name = os.path.split(src_uri)
    return next((path for path in MARKDOWN if stem == "project" and path.lower() == name), f"docs/{src_uri}")
