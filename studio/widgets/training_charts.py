"""Curves of a training: its loss by terms, and what it measures on the examples that are left out."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from studio.charts import GREY, PALETTE, template
from studio.training_log import Series, smooth
from studio.widgets.words import metric_label

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_POINTS = 1_500  # of a curve; more cannot be told apart
PANELS, PANEL_HEIGHT = 5, 210  # panels that one row holds; pixels
BEFORE = "composite_"  # numbers of what a diffusion begins with
WORDS = {
    "iou": "IoU of what is worn",
    "parse": "Parse, share right",
    "cloth": "Colour, mean difference",
    "epe": "End-point error, px",
    "epe_worst": "Its worst tenth, px",
    "l1": "Mean difference",
    "noise": "Noise of the latents",
}


def validation_label(name: str) -> str:
    """A measured number's name as people write it."""
    return WORDS.get(name) or (f"Latent {name[4:]}, deviation" if name.startswith("std_") else metric_label(name))


def loss_curves(terms: Mapping[str, Series], logarithmic: bool, keep: float) -> "go.Figure":
    """The loss and its terms, smoothed by a moving average that keeps the share `keep`; the raw loss stays behind it."""
    import plotly.graph_objects as go

    figure = go.Figure()
    if keep and "loss" in terms:
        steps, values = _thinned(terms["loss"].steps, terms["loss"].values)
        figure.add_scatter(x=steps, y=values, line={"color": PALETTE[0], "width": 1}, opacity=0.4, hoverinfo="skip",
                           showlegend=False)  # fmt: skip
    colours = (*PALETTE[1:], GREY)
    for place, (name, one) in enumerate(terms.items()):
        steps, values = _thinned(one.steps, smooth(one.values, keep))
        colour = PALETTE[0] if name == "loss" else colours[(place - 1) % len(colours)]
        line = {"color": colour, "width": 2.5 if name == "loss" else 1.5}
        figure.add_scatter(x=steps, y=values, name=name, line=line, hovertemplate="%{y:.4g}")
    figure.update_layout(
        template=template(),
        height=360,
        hovermode="x unified",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"title": {"text": "step", "standoff": 6}, "rangemode": "tozero"},
        margin={"b": 52},
        yaxis={"type": "log" if logarithmic else "linear"},
        uirevision="loss",
    )
    return figure


def validation_curves(found: Mapping[str, Series]) -> "go.Figure":
    """A panel for each number, the latest one in its title; in grey what the composite has, which a diffusion begins with."""
    from plotly.subplots import make_subplots

    names = [name for name in found if not name.startswith(BEFORE)]
    down = math.ceil(len(names) / PANELS)
    across = math.ceil(len(names) / down)
    titles = [f"{validation_label(name)}<br><b>{found[name].values[-1]:.4g}</b>" for name in names]
    figure = make_subplots(down, across, subplot_titles=titles, horizontal_spacing=0.06, vertical_spacing=0.35 / down)
    for place, name in enumerate(names):
        where = {"row": place // across + 1, "col": place % across + 1}
        for one, colour, word in ((found.get(BEFORE + name), GREY, "composite"), (found[name], PALETTE[0], "")):
            if one is not None:
                line = {"color": colour, "width": 2}
                figure.add_scatter(x=one.steps, y=one.values, line=line, mode="lines+markers", marker={"size": 5},
                                   hovertemplate="%{y:.4g} at step %{x:,}<extra>" + word + "</extra>", **where)  # fmt: skip
    figure.update_layout(template=template(), height=PANEL_HEIGHT * down + 30, margin={"t": 48}, uirevision="validation")
    figure.update_xaxes(nticks=4, rangemode="tozero")
    figure.update_yaxes(nticks=4)
    figure.update_annotations(font_size=13, font_color=GREY)
    return figure


def _thinned(steps: list[int], values: list[float]) -> tuple[list[int], list[float]]:
    """At most MOST_POINTS of a curve, evenly spread, the last one among them."""
    every = max(1, math.ceil(len(steps) / MOST_POINTS))
    return steps[::-1][::every][::-1], values[::-1][::every][::-1]
