"""The command `docs`: the documentation without a network, as it was installed."""

import tempfile
import webbrowser
from pathlib import Path

import click

from tornado_chat.cli import cli
from tornado_chat.errors import SetupError
from tornado_chat.handbook import KINDS, Handbook


@cli.command("docs")
@click.argument("page", required=False)
@click.option(
    "--search", metavar="TEXT", help="Find the sections that have all these words, in any case."
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write all pages as linked HTML into this folder.",
)
@click.option("--open", "show", is_flag=True, help="Open the HTML in the browser.")
def docs(page: str | None, search: str | None, html: Path | None, show: bool) -> None:
    """List the documentation, or show PAGE of it."""
    handbook = Handbook()
    if search is not None:
        _search(handbook, search)
    elif html is not None or show:
        _write(handbook, html, page, show=show)
    elif page is not None:
        click.echo_via_pager(handbook.find(page).text)
    else:
        _list(handbook)


def _list(handbook: Handbook) -> None:
    width = max(len(page.name) for page in handbook.pages)
    for kind, purpose in KINDS.items():
        click.echo(f"{kind.capitalize()}, {purpose}")
        for page in handbook.of(kind):
            click.echo(f"  {page.name:<{width}}  {page.about}")
        click.echo()
    click.echo("Examples, whole plugins with their tests")
    for path in handbook.examples():
        click.echo(f"  {path}")
    click.echo()
    click.echo("tornado-chat docs NAME shows one, --search TEXT finds, --open goes to the browser.")


def _search(handbook: Handbook, text: str) -> None:
    sections = handbook.search(text)
    if not sections:
        raise SetupError(f"no page has {text!r} in one section")
    for found in sections:
        click.echo(f"{found.page.name}: {found.heading}")
        for line in found.lines:
            click.echo(f"    {line.strip()}")


def _write(handbook: Handbook, folder: Path | None, name: str | None, *, show: bool) -> None:
    from tornado_chat.html_pages import html_path, write  # noqa: PLC0415 - its Markdown costs time

    page = handbook.index if name is None else handbook.find(name)
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="tornado_chat_docs_"))
    write(handbook, folder)
    start = folder.resolve() / html_path(page.path)
    click.echo(start)
    if show and not webbrowser.open(start.as_uri()):
        raise SetupError(f"no browser is there to open {start}")
