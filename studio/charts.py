"""Charts in one look: neutral, with a palette that colour-blind people can read."""

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#666666")  # Okabe and Ito, 2008
GREY = "#8a8a8a"


def template() -> "go.layout.Template":
    """The studio's plotly template; it has no background, so that light and dark both show through."""
    import plotly.graph_objects as go

    axis = {"gridcolor": "rgba(138,138,138,0.25)", "zeroline": False, "linecolor": GREY, "ticks": "outside"}
    return go.layout.Template(
        layout={
            "colorway": PALETTE,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 48, "r": 12, "t": 28, "b": 40},
            "font": {"family": "Source Sans, sans-serif", "size": 13, "color": GREY},
            "xaxis": axis,
            "yaxis": axis,
            "hovermode": "closest",
            "showlegend": False,
        }
    )


def spread(values: list[float], name: str) -> "go.Figure":
    """How one metric spreads over the pairs of a run: a histogram with its median."""
    import plotly.graph_objects as go

    figure = go.Figure(go.Histogram(x=values, nbinsx=min(40, max(8, len(values) // 4)), marker_color=PALETTE[0]))
    middle = median(values)
    figure.add_vline(x=middle, line_color=PALETTE[1], annotation_text=f"median {middle:.4g}", annotation_position="top")
    figure.update_yaxes(tickformat="d", nticks=5)
    figure.update_layout(template=template(), height=240, xaxis_title=name, yaxis_title="pairs", bargap=0.05)
    return figure
