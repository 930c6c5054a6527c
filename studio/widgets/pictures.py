"""Rows of pictures at equal sizes on neutral grey, each a link to its true pixels."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from studio.media import image_url
from vton.labels import PARSE_PALETTE

PREVIEW_HEIGHT = 640  # pixels; of pictures that are drawn here and sent inside the page
USUAL_SHAPE = "3 / 4"  # VITON-HD's
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises for a damaged file


@dataclass(frozen=True)
class Figure:
    """A picture with its caption; `full` is where a click leads, `legend` lies in its corner."""

    src: str | None
    caption: str
    note: str = ""
    full: str | None = None
    legend: str | None = None


def figure_of(path: Path | None, caption: str, width: int | None = 480, note: str = "") -> Figure:
    """The picture file at `path` as a figure: a smaller copy to look at, the file itself behind it."""
    if path is None or not path.is_file():
        return Figure(None, caption, note or "not in this dataset")
    return Figure(image_url(path, width), caption, note, full=image_url(path))


def damaged_figure(caption: str) -> Figure:
    """In the place of a file that cannot be read."""
    return Figure(None, caption, "damaged")


def figure_row(figures: Sequence[Figure], width: int = 220, shape: str = USUAL_SHAPE) -> None:
    """The figures in rows of equal size, each at least `width` pixels wide."""
    cells = "".join(_cell(figure) for figure in figures)
    st.html(f'<div class="vton-row" style="--width: {width}px; --shape: {shape}">{cells}</div>')


def large_row(figures: Sequence[Figure], shape: str) -> None:
    """The figures in one row, as large as the window lets all of them be seen whole."""
    cells = "".join(_cell(figure) for figure in figures)
    st.html(f'<div class="vton-row large" style="--columns: {len(figures)}; --shape: {shape}">{cells}</div>')


def _cell(figure: Figure) -> str:
    caption = html.escape(figure.caption)
    note = f"<small>{html.escape(figure.note)}</small>" if figure.note else ""
    if figure.src is None:
        frame = '<span class="frame none">none</span>'
    else:
        legend = f'<img class="legend" alt="Colour wheel" src="{html.escape(figure.legend)}">' if figure.legend else ""
        image = f'<img loading="lazy" decoding="async" alt="{caption}" src="{html.escape(figure.src)}">'
        frame = f'<span class="frame">{image}{legend}</span>'
        if figure.full:
            frame = f'<a href="{html.escape(figure.full)}" target="_blank" title="True pixels">{frame}</a>'
    return f"<figure>{frame}<figcaption>{caption}{note}</figcaption></figure>"


def inline(picture: np.ndarray | Image.Image, kind: str = "PNG") -> str:
    """A picture as a data URL, for what is drawn here and lies in no file."""
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    encoded = io.BytesIO()
    image.save(encoded, kind, **({"quality": 88} if kind == "JPEG" else {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(encoded.getvalue()).decode()}"


def shape_of(path: Path | None) -> str:
    """The picture's shape as CSS has it, "768 / 1024"; VITON-HD's where there is no picture or a damaged one."""
    if path is None or not path.is_file():
        return USUAL_SHAPE
    try:
        with Image.open(path) as image:
            return f"{image.width} / {image.height}"
    except UNREADABLE:
        return USUAL_SHAPE


def parse_figure(path: Path | None, caption: str, note: str = "") -> Figure:
    """A parse as a figure: coloured by its own palette, or by ours where the file holds bare ids."""
    if path is None or not path.is_file():
        return figure_of(path, caption, note=note)
    try:
        with Image.open(path) as image:
            if image.mode != "L":
                return figure_of(path, caption, note=note)
        return Figure(_coloured(str(path), path.stat().st_mtime_ns), caption, note, full=image_url(path))
    except UNREADABLE:
        return damaged_figure(caption)


@st.cache_data(max_entries=256, show_spinner=False)
def _coloured(path: str, changed_ns: int) -> str:
    with Image.open(path) as image:
        ids = np.array(image)
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(PARSE_PALETTE)] = PARSE_PALETTE
    height = min(PREVIEW_HEIGHT, ids.shape[0])
    small = Image.fromarray(palette[ids]).resize(
        (round(ids.shape[1] * height / ids.shape[0]), height), Image.Resampling.NEAREST
    )
    return inline(small)
