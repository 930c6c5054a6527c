"""The doctor's page in pieces: start an examination, and its report with the ways to the items."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import pandas as pd
import streamlit as st

from db import datasets
from db.models import Job
from studio import findings, jobs
from studio.findings import CLOTH, PAIR, Examination
from studio.jobs import JobError
from studio.widgets.doctor_findings import Group, findings_list, kind_title, row_of
from studio.widgets.frame import Frame
from studio.widgets.page import go
from studio.widgets.words import ago, count
from vton.doctor.report import FAULT, WARNING, Finding

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

FEW, PAGE = 8, 100  # findings shown of a kind among others, and of one kind alone
SEVERITIES = {FAULT: "fault", WARNING: "warning"}
TROUBLE = ("failed", "lost")


def examine_button(chosen: Frame, examined: Examination | None, action: "DeltaGenerator") -> bool:
    """The page's action; whether an examination is going on."""
    newest = _newest_job(chosen)
    going_on = newest is not None and newest.state in jobs.ACTIVE_STATES
    outdated = examined is None or findings.is_outdated(examined)
    action.button(
        "Examine" if examined is None else "Examine again",
        type="primary" if outdated else "secondary",
        icon=":material/stethoscope:",
        key="examine",
        disabled=going_on,
        on_click=_start,
        args=(chosen,),
    )
    fault = st.session_state.pop("examine_fault", None)
    if fault:
        st.error(fault, icon=":material/error:")
    return going_on


def failed_examination(chosen: Frame) -> None:
    """Why the newest examination ended without a report, where it did."""
    newest = _newest_job(chosen)
    if newest is not None and newest.state in TROUBLE:
        st.error(f"The last examination failed: {newest.note}", icon=":material/error:")


def _newest_job(chosen: Frame) -> Job | None:
    assert chosen.dataset is not None
    of_dataset = (
        job
        for job in jobs.list_recent(chosen.workspace)
        if job.kind == "doctor" and job.after.get("doctor") == chosen.dataset.id
    )
    return next(of_dataset, None)


def _start(chosen: Frame) -> None:
    assert chosen.dataset is not None
    if not Path(chosen.dataset.root).is_dir():
        st.session_state["examine_fault"] = f"{chosen.dataset.root} is not there any more; bring the folder back."
        return
    try:
        jobs.start_doctor(chosen.workspace, chosen.dataset)
    except JobError as error:
        st.session_state["examine_fault"] = str(error)


def draw_report(chosen: Frame, examined: Examination) -> None:
    """When, which layout, how many of each map, and every finding."""
    report = examined.report
    if findings.is_outdated(examined):
        st.warning("Files have come or gone since this examination; examine again.", icon=":material/update:")
    st.caption(f"Examined {ago(examined.at)}. Layout: {report.layout}. {report.root}")
    if report.findings:
        _draw_findings(chosen, report.findings)
    else:
        st.success("Nothing found: every file can be used.", icon=":material/check:")
    st.subheader("What is there", anchor=False)
    kinds = [
        kind for kind in next(iter(report.counts.values()), {}) if any(split.get(kind) for split in report.counts.values())
    ]
    table = pd.DataFrame([[counts.get(kind, 0) for kind in kinds] for counts in report.counts.values()], columns=kinds)
    table.insert(0, "split", list(report.counts))
    st.dataframe(table, hide_index=True, key="doctor_counts")
    for note in report.notes:
        st.text(note)


def _draw_findings(chosen: Frame, found: tuple[Finding, ...]) -> None:
    severity, kind = _filters(found)
    shown = [one for one in found if severity in (None, one.severity) and kind in (None, one.kind)]
    shown.sort(key=lambda one: one.severity != FAULT)
    by_kind: dict[str, list[Finding]] = {}
    for one in shown:
        by_kind.setdefault(one.kind, []).append(one)
    number = 1
    if kind is not None and len(shown) > PAGE:
        place = st.container()
        number = st.pagination(-(-len(shown) // PAGE), key=f"doctor_page_{kind}_{severity}")
    else:
        place = st.container()
    few = FEW if len(by_kind) > 1 else PAGE
    cut = {name: told[(number - 1) * PAGE :][:few] for name, told in by_kind.items()}
    ways = _ways(chosen, [one for told in cut.values() for one in told])
    groups = [
        Group(
            f"{kind_title(name)} ({len(by_kind[name]):,})",
            [row_of(one, *ways.get(_place(one), ("", ""))) for one in told],
            _rest(len(by_kind[name]) - len(told), kind),
        )
        for name, told in cut.items()
    ]
    with place:
        if groups:
            findings_list(groups, key="doctor_findings", on_open=_open)
        else:
            st.caption("None of these.")


def _rest(more: int, kind: str | None) -> str:
    return f"and {more:,} more: choose this kind above to see them all." if more > 0 and kind is None else ""


def _filters(found: Iterable[Finding]) -> tuple[str | None, str | None]:
    """The severity and the kind that are looked at, None for all; both are in the page's address."""
    severities, kinds = Counter(one.severity for one in found), Counter(one.kind for one in found)
    severity = _pills(
        "severity", {name: count(severities[name], word) for name, word in SEVERITIES.items() if severities[name]}
    )
    return severity, _pills("finding", {name: f"{kind_title(name)} {n:,}" for name, n in kinds.items()})


def _pills(name: str, words: dict[str, str]) -> str | None:
    """A choice of one or none, kept in the page's address under `name`."""
    asked = st.query_params.get(name)
    asked = asked if asked in words else None
    if len(words) < 2 and asked is None:
        return None
    key = f"doctor_{name}"
    if st.session_state.get(key) != asked:
        st.session_state[key] = asked

    def take() -> None:
        if st.session_state[key] is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = st.session_state[key]

    return st.pills(name, list(words), format_func=words.__getitem__, key=key, on_change=take, label_visibility="collapsed")


def _place(one: Finding) -> tuple[str, str, str]:
    return (one.split, findings.subject(one), one.stem)


def _ways(chosen: Frame, shown: list[Finding]) -> dict[tuple[str, str, str], tuple[str, str]]:
    """Where Browse shows what findings are about: place -> its address and the same as an id."""
    assert chosen.dataset is not None
    ways: dict[tuple[str, str, str], tuple[str, str]] = {}
    for split in {one.split for one in shown if one.stem}:
        places = {_place(one) for one in shown if one.stem and one.split == split}
        stems = {stem for _, _, stem in places}
        with chosen.workspace.database.read() as session:
            listed = datasets.pairs_with(session, chosen.dataset.id, split, stems)
            both = {
                stem
                for stem, row in datasets.items(session, chosen.dataset.id, split, stems).items()
                if row.has_person and row.has_cloth
            }
        pairs = set(listed)
        by_person = {person: (person, cloth) for person, cloth in reversed(listed)}
        by_cloth = {cloth: (person, cloth) for person, cloth in reversed(listed)}
        for place in places:
            _, what, stem = place
            cut = stem.partition("__")
            wanted = (cut[0], cut[2]) if what == PAIR else (by_cloth if what == CLOTH else by_person).get(stem)
            if wanted is None and stem in both:
                wanted = (stem, stem)
            if wanted is not None and (wanted in pairs or wanted[0] == wanted[1] in both or what == PAIR):
                kind = {} if wanted in pairs else {"kind": "Paired"}
                query = urlencode({"split": split, **kind, "pair": "__".join(wanted)})
                ways[place] = (f"browse?{urlencode({'dataset': chosen.dataset.name})}&{query}", query)
    return ways


def _open(query: str) -> None:
    """Go to a finding's item in Browse."""
    params = dict(parse_qsl(query))
    go("browse", {"split": params.pop("split")}, **params)
