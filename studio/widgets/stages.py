"""Every stage of a try-on in the order of the route, at equal sizes."""

from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from studio.widgets.pair_view import PairFiles, input_figures, map_figures
from studio.widgets.pictures import PREVIEW_HEIGHT, Figure, figure_of, inline
from vton.errors import DataError

GRID_LINES = 24
FLOW_NOTE = "hue is the direction, saturation the length, of where a pixel is fetched from"


def stage_figures(files: PairFiles, run: Path, result: Path) -> list[Figure]:
    """Person, garment, conditions, flow, warped cloth, composite, result."""
    stages = run / "intermediates" / files.pair.name
    figures = input_figures(files) + map_figures(files)
    figures.append(_stage(stages / "agnostic_mask.png", "Area that is made anew"))
    figures += _flow_figures(stages / "flow.npz")
    figures.append(_stage(stages / "warped_cloth.png", "Warped cloth"))
    figures.append(_stage(stages / "warped_cloth_mask.png", "Warped cloth mask"))
    figures.append(_stage(stages / "composite.png", "Composite"))
    figures.append(_stage(result, "Result"))
    return [figure for figure in figures if figure.src is not None]


def _stage(path: Path, caption: str) -> Figure:
    return figure_of(path, caption)


def _flow_figures(path: Path) -> list[Figure]:
    if not path.is_file():
        return []
    colour, grid, legend, most = _drawn_flow(str(path), path.stat().st_mtime_ns)
    return [
        Figure(colour, "Flow", f"{FLOW_NOTE}; full saturation is {most:.0%} of the picture", legend=legend),
        Figure(grid, "Flow as a grid", "a straight grid on the garment photo, as the flow bends it"),
    ]


@st.cache_data(max_entries=64, show_spinner="Drawing the flow")
def _drawn_flow(path: str, changed_ns: int) -> tuple[str, str, str, float]:
    """The flow in colour, as a grid, the colour wheel, and the length at full saturation as a share of the picture."""
    from vton.flow import colour_wheel, draw_grid, to_colour  # loads torch: only where a flow is looked at

    try:
        with np.load(path, allow_pickle=False) as stored:
            flow = stored["flow"].astype(np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is no flow ({error}); make the result again.") from error
    step = max(1, flow.shape[1] // PREVIEW_HEIGHT)
    small = flow[:, ::step, ::step]
    most = float(np.percentile(np.hypot(*small), 99))
    wheel = Image.fromarray(colour_wheel(120))
    return inline(to_colour(small, most), "JPEG"), inline(draw_grid(small, GRID_LINES), "JPEG"), inline(wheel), most / 2
