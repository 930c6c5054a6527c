"""Charts in one look: neutral, with a palette that colour-blind people can read."""

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from studio.metric_comparison import Measured

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


def compared(rows: Sequence["Measured"], alike: Sequence[bool], name: str) -> "go.Figure":
    """One metric of several runs as points with their intervals, the first run on top; hollow where not measured alike."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for same, colour, symbol in ((True, PALETTE[0], "circle"), (False, PALETTE[1], "circle-open")):
        shown = [row for row, one in zip(rows, alike, strict=True) if one == same]
        above = [0.0 if row.high is None else row.high - row.value for row in shown]
        below = [0.0 if row.low is None else row.value - row.low for row in shown]
        figure.add_scatter(
            x=[row.value for row in shown],
            y=[_run_label(row) for row in shown],
            mode="markers",
            name="measured alike" if same else "measured otherwise",
            marker={"color": colour, "symbol": symbol, "size": 11, "line": {"width": 2, "color": colour}},
            error_x={"type": "data", "array": above, "arrayminus": below, "thickness": 1.5, "width": 4},
            hovertemplate="%{x:.4g}<extra>%{y}</extra>",
            showlegend=not all(alike),
        )
    order = [_run_label(row) for row in rows]
    figure.update_yaxes(categoryorder="array", categoryarray=order[::-1], automargin=True, ticks="")
    figure.update_layout(
        template=template(),
        height=130 + 34 * len(rows),
        xaxis={"title": {"text": name, "standoff": 12}, "tickangle": 0},
        showlegend=not all(alike),
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin={"t": 48, "b": 64},
    )
    return figure


def _run_label(row: "Measured") -> str:
    return f"{row.run} · N {'?' if row.n is None else format(row.n, ',')}"
