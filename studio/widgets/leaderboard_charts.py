"""A leaderboard's pictures: strengths with their intervals, and who beats whom."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.charts import GREY, PALETTE, template
from studio.leaderboard_fits import Fit
from studio.leaderboard_words import percent, preferred, rank
from studio.standings import Standing

if TYPE_CHECKING:
    import plotly.graph_objects as go

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon")
LOSES, EVEN, WINS = "#e69f00", "#f2f2f2", "#56b4e9"  # told apart by everyone, lighter where nothing is
INK = "#1c1c1c"  # is read on each of them
MARGIN = 0.02  # of the axis, beyond the widest interval


def forest(fit: Fit) -> "go.Figure":
    """Each run's chance to be preferred to an average one of its group as a point with its interval, the best on top."""
    import plotly.graph_objects as go

    ranked = [row for row in fit.board.standings if row.share is not None]
    groups = list(dict.fromkeys(row.group for row in ranked))
    figure = go.Figure()
    for number, group in enumerate(groups):
        shown = [row for row in ranked if row.group == group]
        x = [row.share or 0.0 for row in shown]
        colour = PALETTE[number % len(PALETTE)]
        figure.add_scatter(
            x=x,
            y=[fit.runs[row.run] for row in shown],
            mode="markers",
            name=f"group {number + 1}",
            marker={"color": colour, "symbol": SYMBOLS[number % len(SYMBOLS)], "size": 11},
            error_x={
                "type": "data",
                "array": [(row.share_high or 0.0) - at for row, at in zip(shown, x, strict=True)],
                "arrayminus": [at - (row.share_low or 0.0) for row, at in zip(shown, x, strict=True)],
                "thickness": 1.5,
                "width": 4,
            },
            customdata=[[preferred(row), rank(row), f"{row.votes:,}"] for row in shown],
            hovertemplate="%{customdata[0]}<br>rank %{customdata[1]}<br>%{customdata[2]} votes<extra>%{y}</extra>",
        )
    order = [fit.runs[row.run] for row in ranked]
    figure.update_yaxes(categoryorder="array", categoryarray=order[::-1], automargin=True, ticks="")
    figure.update_layout(
        template=template(),
        height=110 + 34 * len(ranked) + 24 * (len(groups) > 1),
        xaxis={
            "title": {"text": "chance to be preferred to an average run, 95% interval", "standoff": 12},
            "tickformat": ".0%",
            "range": _range(ranked),
        },
        shapes=[
            {"type": "line", "x0": 0.5, "x1": 0.5, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": GREY, "dash": "dot"}}
        ],
        showlegend=len(groups) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin={"t": 40 if len(groups) > 1 else 12, "b": 56},
    )
    return figure


def _range(rows: Sequence[Standing]) -> list[float]:
    low = min([0.5, *(row.share_low or 0.0 for row in rows)])
    high = max([0.5, *(row.share_high or 0.0 for row in rows)])
    return [max(low - MARGIN, -MARGIN), min(high + MARGIN, 1 + MARGIN)]


def win_matrix(fit: Fit) -> "go.Figure":
    """How often the run of a row wins against the one of a column, ties left out; what it is of is told on hovering."""
    import plotly.graph_objects as go

    matrix = fit.board.matrix
    order = [matrix.runs.index(row.run) for row in fit.board.standings]
    names = [fit.runs[matrix.runs[place]] for place in order]
    shares: list[list[float | None]] = []
    words: list[list[str]] = []
    hovers: list[list[str]] = []
    for i in order:
        shares.append([])
        words.append([])
        hovers.append([])
        for j in order:
            wins, losses = matrix.wins[i][j], matrix.wins[j][i]
            share = wins / (wins + losses) if wins + losses else None
            shares[-1].append(share)
            words[-1].append("" if i == j else f"{percent(share)}<br>{matrix.votes[i][j]:,}")
            hovers[-1].append(
                f"{wins:,} wins, {losses:,} losses, {matrix.both_good[i][j]:,} both good, {matrix.both_bad[i][j]:,} both bad"
            )
    figure = go.Figure(
        go.Heatmap(
            x=names,
            y=names,
            z=shares,
            zmin=0,
            zmax=1,
            colorscale=[[0, LOSES], [0.5, EVEN], [1, WINS]],
            text=words,
            texttemplate="%{text}",
            textfont={"color": INK},
            customdata=hovers,
            hovertemplate="%{y} against %{x}<br>%{customdata}<extra></extra>",
            xgap=2,
            ygap=2,
            hoverongaps=False,
            colorbar={"title": {"text": "wins of the row"}, "tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
        )
    )
    figure.update_xaxes(side="top", automargin=True, ticks="", showgrid=False)
    figure.update_yaxes(autorange="reversed", automargin=True, ticks="", showgrid=False)
    figure.update_layout(template=template(), height=150 + 48 * len(names), margin={"t": 24, "b": 12})
    return figure
