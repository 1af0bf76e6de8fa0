"""The parts of doc/benchmark.md that the command writes."""

from pathlib import Path

from base.errors import UserError
from base.files import write_text


def marks(scale: str) -> tuple[str, str]:
    """Lines between which the tables of a scale stand."""
    return f"<!-- benchmark {scale}: begin -->", f"<!-- benchmark {scale}: end -->"


def check_page(page: Path, scale: str) -> str:
    """Text of a page that has a place for the tables of a scale.

    Raises:
        UserError: for a page that is missing or has none.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"--page {page}: cannot be read ({error.strerror})") from None
    begin, end = marks(scale)
    if not 0 <= text.find(begin) < text.find(end):
        raise UserError(f"--page {page}: has no lines '{begin}' and '{end}' to write between")
    return text


def write_page(page: Path, scale: str, content: str) -> None:
    """Put the tables of a scale between their marks.

    Raises:
        UserError: as :func:`check_page`.
    """
    text = check_page(page, scale)
    begin, end = marks(scale)
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    write_text(page, f"{before}{begin}\n\n{content.strip()}\n\n{end}{after}")
