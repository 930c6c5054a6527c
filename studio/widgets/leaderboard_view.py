"""A fitted leaderboard as people look at it: the picture first, then the table, then what it rests on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from db import datasets, studies
from db.study_models import Study
from studio import leaderboard_words as words
from studio.leaderboard import decisive_votes
from studio.leaderboard_fits import Fit, as_plain
from studio.widgets.exports import as_csv
from studio.widgets.leaderboard_charts import forest, win_matrix
from studio.widgets.words import count, metric_label
from studio.workspace import Workspace

DIFFERENCES = (0.55, 0.6, 0.65, 0.7)  # that a study's power is told for
STILL = {"displayModeBar": False}


@dataclass(frozen=True)
class Links:
    """Addresses of other pages, relative to this one."""

    shown: dict[str, str]  # dataset and split of the study, as the frame reads them
    runs: dict[int, str]  # names of now; a run that is gone has no link

    def run(self, run: int) -> str | None:
        """The run's entry."""
        return f"runs?{urlencode({'open': self.runs[run]})}" if run in self.runs else None

    def compare(self, members: Sequence[int], person: str = "", cloth: str = "") -> str | None:
        """These runs side by side, on a pair where one is named."""
        named = list(dict.fromkeys(self.runs[run] for run in members if run in self.runs))
        if len(named) < 2 or not self.shown:
            return None
        pair = {"person": person, "cloth": cloth} if person else {}
        return f"compare?{urlencode({**self.shown, 'runs': ','.join(named), **pair})}"


def links_of(workspace: Workspace, study: Study, fit: Fit) -> Links:
    """Where this leaderboard's runs and pairs are looked at."""
    with workspace.database.read() as session:
        known = {row.id: row.name for row in datasets.list_all(session)}
        members = studies.runs_of(session, study.id)
    name = known.get(study.dataset_id or 0)
    return Links({"dataset": name, "split": study.split} if name and study.split else {}, members)


def downloads(fit: Fit) -> None:
    """The board as files."""
    name = "-".join(filter(None, ["leaderboard", fit.study, fit.asked.axis, fit.asked.stratum])).replace("/", "-")
    whole = json.dumps(as_plain(fit), indent=1, ensure_ascii=False)
    for label, text, ending, mime in (
        ("CSV", board_csv(fit), "csv", "text/csv"),
        ("JSON", whole, "json", "application/json"),
    ):
        st.download_button(label, text, f"{name}.{ending}", mime, icon=":material/download:", on_click="ignore")


def board_csv(fit: Fit) -> str:
    """A row for each run, as numbers."""
    rows = []
    for row in fit.board.standings:
        plain = asdict(row)
        plain["run"] = fit.runs[row.run]
        about = {"study": fit.study, "axis": fit.asked.axis, "stratum": fit.asked.stratum, "at": fit.at.isoformat()}
        rows.append(about | {"run_id": row.run} | plain)
    return as_csv(rows, ())


def pictures(fit: Fit) -> None:
    """The strengths with their intervals."""
    if any(row.share is not None for row in fit.board.standings):
        st.plotly_chart(forest(fit), theme=None, key="leaderboard_forest", config=STILL)


def standings(fit: Fit, links: Links) -> None:
    """The table, and what keeps it from saying more."""
    ranked = [row for row in fit.board.standings if row.rank is not None]
    groups = len({row.group for row in ranked}) > 1
    best = [row.run for row in ranked[:2]]
    rows = []
    for row in fit.board.standings:
        cells: dict[str, object] = {"Group": str(row.group + 1) if row.rank is not None else words.NONE} if groups else {}
        cells |= {"Rank": words.rank(row), "Run": fit.runs[row.run], "Preferred": words.preferred(row)}
        cells |= {"Votes": row.votes, "Wins": row.wins, "Losses": row.losses}
        cells |= {"Both good": row.both_good, "Both bad": row.both_bad}
        rows.append(cells | {"Entry": links.run(row.run), "Pictures": links.compare([*best, row.run])})
    st.dataframe(
        pd.DataFrame(rows).dropna(axis="columns", how="all"),
        hide_index=True,
        key="leaderboard_table",
        column_config={
            "Rank": st.column_config.TextColumn(
                help="With the best and the worst that it can be: all ranks at once are right at 95%"
            ),
            "Preferred": st.column_config.TextColumn(
                help="To an average run of the board, ties left out, with the 95% interval"
            ),
            **{name: st.column_config.NumberColumn(format="localized") for name in ("Votes", "Wins", "Losses")},
            "Entry": st.column_config.LinkColumn(display_text="Runs", width="small"),
            "Pictures": st.column_config.LinkColumn(
                display_text="Compare", width="small", help="Beside the two runs that rank first"
            ),
        },
    )
    for note in fit.board.notes:
        st.caption(f":material/info: {note}")


def power(study: Study, fit: Fit) -> None:
    """How far the study is, what its votes can tell, and what it would take to tell neighbours apart."""
    st.subheader("How sure it is", anchor=False)
    st.progress(min(study.done / max(study.wanted, 1), 1.0), text=f"{study.done:,} of {study.wanted:,} comparisons asked for")
    votes = words.decided(fit.board)
    if not fit.board.votes:
        return
    table, sentences = st.columns([2, 3], gap="large")
    with table:
        st.dataframe(pd.DataFrame([_powered(share, votes) for share in DIFFERENCES]), hide_index=True, key="leaderboard_power")
        st.caption("Decided votes between two runs that find such a difference in 80% of studies; ties left out.")
    with sentences:
        for one in fit.board.neighbours:
            icon = "check" if one.separated else "more_horiz"
            st.markdown(f":material/{icon}: {words.plain(words.neighbours(one, fit.runs))}")
        if len(fit.board.neighbours) > 1:
            st.caption(
                "Each of these is at 95% by itself. Ranks hold all at once, so two neighbours told apart may still share some."
            )


def _powered(share: float, votes: Sequence[int]) -> dict[str, object]:
    needed = decisive_votes(share) or 0
    return {
        "To tell": f"{share:.0%} from 50%",
        "Votes needed": needed,
        "Have them": f"{sum(one >= needed for one in votes)} of {len(votes)} pairs of runs",
    }


def who_beats_whom(fit: Fit) -> None:
    """The win matrix, the side and the ties."""
    if not fit.board.votes:
        return
    st.subheader("Who beats whom", anchor=False)
    st.plotly_chart(win_matrix(fit), theme=None, key="leaderboard_matrix", config=STILL)
    st.caption("Share of decided votes that the run of the row wins, and the votes between the two with ties.")
    st.markdown(f"{words.side(fit.board.side)} {words.ties(fit.board)}")


def top_votes(fit: Fit, links: Links) -> None:
    """Which handful of votes carries the first place, with their pairs."""
    said = words.flipping(fit.flip, fit.runs, fit.board)
    if not said:
        return
    st.subheader("What the first place rests on", anchor=False)
    st.markdown(words.plain(said))
    if fit.flip is None:
        return
    rows = [
        {
            "Person": one.person,
            "Cloth": one.cloth,
            "Between": f"{fit.runs[one.first]} – {fit.runs[one.second]}",
            "Votes": one.votes,
            "Pictures": links.compare([one.first, one.second], one.person, one.cloth),
        }
        for one in fit.flip.pairs
    ]
    with st.expander(f"The {count(len(rows), 'comparison')} with most of these votes", key="leaderboard_top"):
        st.dataframe(
            pd.DataFrame(rows).dropna(axis="columns", how="all"),
            hide_index=True,
            key="leaderboard_top_votes",
            column_config={"Pictures": st.column_config.LinkColumn(display_text="Compare", width="small")},
        )


def metrics_and_people(fit: Fit) -> None:
    """How well each metric agrees with the votes."""
    st.subheader("Metrics and people", anchor=False)
    if not fit.metrics:
        st.caption("No run of this study has a metric of single pictures; Measure, on a run's page, computes some.")
        return
    rows = []
    noted: dict[str, list[str]] = {}
    for one in fit.metrics:
        found = one.correlation
        rows.append(
            {
                "Metric": metric_label(one.name),
                "Picks as people": words.interval(found.agrees.value, found.agrees.low, found.agrees.high),
                "Spearman": words.figure(found.spearman),
                "Kendall": words.figure(found.kendall),
                "Runs": found.runs,
                "Decided votes": found.votes,
            }
        )
        if found.note:
            noted.setdefault(found.note, []).append(metric_label(one.name))
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="leaderboard_metrics",
        column_config={
            "Picks as people": st.column_config.TextColumn(
                help="In how many decided votes it picks the picture that was picked"
            ),
            "Spearman": st.column_config.TextColumn(help="Of the order of the runs"),
            "Kendall": st.column_config.TextColumn(help="Of the order of the runs"),
            "Decided votes": st.column_config.NumberColumn(format="localized"),
        },
    )
    for note, names in noted.items():
        st.caption(f":material/info: {'; '.join(names)}: {note}")
    st.caption(
        "With 95% intervals; 50% is what a coin picks. Metrics of whole sets, as FID, have no value of a single picture."
    )
