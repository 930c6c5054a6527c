"""One pair with every map that its dataset has, or that was repaired in the place of the dataset's own."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import streamlit as st

from db import datasets
from studio import findings, repairs
from studio.repairs import Item
from studio.widgets.doctor_findings import Group, findings_list, row_of
from studio.widgets.frame import Frame
from studio.widgets.page import go
from studio.widgets.pictures import Figure, figure_of, parse_figure
from studio.widgets.qa_list import ALL
from vton.doctor.report import FAULT
from vton.pairs import Pair

# kind -> what it is called, in the order of the route; all are of the person but the garment's own two
PERSON_MAPS = {
    "parse": "Parse",
    "densepose": "DensePose",
    "openpose_img": "Keypoints",
    "parse_agnostic": "Parse, agnostic",
    "agnostic": "Agnostic",
    "agnostic_mask": "Agnostic mask",
    "worn_mask": "Worn garment",
}
CLOTH_KINDS = ("cloth", "cloth_mask")


@dataclass(frozen=True)
class PairFiles:
    """Where the files of a pair lie, by kind; only those that exist. A repaired map stands in the place of the original."""

    pair: Pair
    person: dict[str, Path]
    cloth: dict[str, Path]
    replaced: dict[str, Path | None] = field(default_factory=dict)  # kind of a repaired map -> the dataset's own, if it has one

    def own(self) -> "PairFiles":
        """The dataset's own files alone."""

        def without(files: dict[str, Path]) -> dict[str, Path]:
            before = {kind: self.replaced.get(kind, path) for kind, path in files.items()}
            return {kind: path for kind, path in before.items() if path}

        return replace(self, person=without(self.person), cloth=without(self.cloth), replaced={})


def read_pair(name: str) -> Pair | None:
    """The pair called person__cloth, None when that is no such name."""
    person, cut, cloth = name.partition("__")
    return Pair(person, cloth) if cut and person and cloth else None


def files_of(chosen: Frame, pair: Pair) -> PairFiles | None:
    """The files of a pair in the frame's split; None where the split lacks the person or the garment."""
    if chosen.dataset is None or chosen.split is None:
        return None
    with chosen.workspace.database.read() as session:
        found = datasets.items(session, chosen.dataset.id, chosen.split, {pair.person, pair.cloth})
        maps = {stem: dict(row.maps) for stem, row in found.items()}
    overlay = repairs.current(chosen.workspace, chosen.dataset.id)
    wearer, garment = (
        Item(chosen.dataset, chosen.split, stem, maps.get(stem, {}), overlay) for stem in (pair.person, pair.cloth)
    )
    person, replaced = _files(wearer, {*wearer.maps, *repairs.KINDS, *repairs.DERIVED} - set(CLOTH_KINDS))
    cloth, replaced_cloth = _files(garment, set(CLOTH_KINDS))
    if "image" not in person or "cloth" not in cloth:
        return None
    return PairFiles(pair, person, cloth, replaced | replaced_cloth)


def _files(item: Item, kinds: set[str]) -> tuple[dict[str, Path], dict[str, Path | None]]:
    """The files that stand for some maps of an item, and of those that are repaired the dataset's own."""
    found = {kind: path for kind in sorted(kinds) if (path := item.path(kind))}
    return found, {kind: item.original(kind) for kind, path in found.items() if path.is_relative_to(item.overlay)}


def choose_maps(files: PairFiles, own_first: bool = False) -> PairFiles:
    """The files with the repaired maps or with the dataset's own, as the reader chooses; asked only where they differ."""
    if not files.replaced:
        return files
    words = "The dataset's own maps, as before the repair"
    return files.own() if st.toggle(words, value=own_first, key=f"own_maps_{files.pair.name}_{own_first}") else files


def input_figures(files: PairFiles) -> list[Figure]:
    """Person and garment."""
    return [
        figure_of(files.person["image"], "Person", note=files.pair.person),
        figure_of(files.cloth["cloth"], "Garment", note=files.pair.cloth),
    ]


def map_figures(files: PairFiles) -> list[Figure]:
    """The maps that exist, in the order of the route."""
    figures = []
    if "cloth_mask" in files.cloth:
        figures.append(figure_of(files.cloth["cloth_mask"], "Garment mask", note=_note(files, "cloth_mask")))
    for kind, caption in PERSON_MAPS.items():
        path = files.person.get(kind)
        if path is not None:
            draw = parse_figure if kind.startswith("parse") else figure_of
            figures.append(draw(path, caption, note=_note(files, kind)))
    return figures


def _note(files: PairFiles, kind: str) -> str:
    return "repaired" if kind in files.replaced else ""


def missing_maps(files: PairFiles) -> list[str]:
    """What the dataset has not, in words."""
    missing = [caption for kind, caption in PERSON_MAPS.items() if kind not in files.person]
    return missing if "cloth_mask" in files.cloth else ["Garment mask", *missing]


def maps_button(chosen: Frame, pair: Pair) -> None:
    """The way to QA, where the maps of the pair's person are judged and repaired."""
    assert chosen.dataset is not None
    st.button(
        "Judge the maps",
        icon=":material/fact_check:",
        help="Opens this person on QA, where a wrong mask or parse is repaired in place",
        on_click=go,
        args=("qa", {"dataset": chosen.dataset.name, "split": chosen.split}),
        kwargs={"item": pair.person, "show": ALL},
    )


def finding_lines(chosen: Frame, pair: Pair) -> None:
    """What the doctor found of the pair: faults first; nothing where it found nothing."""
    if chosen.dataset is None or chosen.split is None:
        return
    examined = findings.examination(chosen.workspace, chosen.dataset.id)
    told = examined.of_pair(chosen.split, pair.person, pair.cloth) if examined else []
    if told:
        faults_first = sorted(told, key=lambda one: one.severity != FAULT)
        findings_list([Group("", [row_of(one) for one in faults_first])], key="pair_findings")
