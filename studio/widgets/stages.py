"""Every stage of a try-on in the order of the route, at equal sizes."""

import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from studio.widgets.pair_view import PairFiles, input_figures, map_figures
from studio.widgets.pictures import PREVIEW_HEIGHT, Figure, damaged_figure, figure_of, inline
from vton.errors import DataError

GRID_LINES = 24
DAMAGED = (  # what numpy raises for a file that is cut off or has wrong bytes
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)
FLOW_NOTE = "hue is the direction, saturation the length, of where a pixel is fetched from"


def stage_figures(files: PairFiles, run: Path, result: Path) -> list[Figure]:
    """Person, garment, conditions, flow, warped cloth, composite, result."""
    stages = run / "intermediates" / files.pair.name
    figures = input_figures(files) + map_figures(files)
    figures += _stage(stages / "agnostic_mask.png", "Area that is made anew")
    figures += _flow_figures(stages / "flow.npz")
    figures += _stage(stages / "warped_cloth.png", "Warped cloth")
    figures += _stage(stages / "warped_cloth_mask.png", "Warped cloth mask")
    figures += _stage(stages / "composite.png", "Composite")
    figures += _stage(result, "Result")
    return figures


def _stage(path: Path, caption: str) -> list[Figure]:
    """The figure of a file that a run may have: none where it has not."""
    return [figure_of(path, caption)] if path.is_file() else []


def _flow_figures(path: Path) -> list[Figure]:
    if not path.is_file():
        return []
    try:
        colour, grid, legend, most = _drawn_flow(str(path), path.stat().st_mtime_ns)
    except DataError:
        return [damaged_figure("Flow")]
    return [
        Figure(colour, "Flow", f"{FLOW_NOTE}; full saturation is {most:.0%} of the picture", legend=legend),
        Figure(grid, "Flow as a grid", "a straight grid on the garment photo, as the flow bends it"),
    ]


@st.cache_data(max_entries=64, show_spinner="Drawing the flow")
def _drawn_flow(path: str, changed_ns: int) -> tuple[str, str, str, float]:
    """The flow in colour, as a grid, the colour wheel, and the length at full saturation as a share of the picture.

    DataError where the file is damaged or holds no flow.
    """
    from vton.flow import colour_wheel, draw_grid, to_colour  # loads torch: only where a flow is looked at

    flow = _read_flow(path)
    step = max(1, min(flow.shape[1:]) // PREVIEW_HEIGHT)
    small = flow[:, ::step, ::step]
    most = float(np.percentile(np.hypot(*small), 99))
    wheel = Image.fromarray(colour_wheel(120))
    return inline(to_colour(small, most), "JPEG"), inline(draw_grid(small, GRID_LINES), "JPEG"), inline(wheel), most / 2


def _read_flow(path: str) -> np.ndarray:
    """The flow of a run folder, float32 (2, H, W)."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            flow = stored["flow"].astype(np.float32)
    except DAMAGED as error:
        raise DataError(f"{path} is damaged; make the result again.") from error
    if flow.ndim != 3 or flow.shape[0] != 2 or min(flow.shape) < 2 or not np.isfinite(flow).all():
        raise DataError(f"{path} holds no flow: expected finite numbers (2, H, W), found {flow.shape}; make the result again.")
    return flow
