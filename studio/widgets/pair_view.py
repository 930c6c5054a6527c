"""One pair with every map that its dataset has."""

from dataclasses import dataclass
from pathlib import Path

from db import datasets
from studio import findings
from studio.widgets.doctor_findings import Group, findings_list, row_of
from studio.widgets.frame import Frame
from studio.widgets.pictures import Figure, figure_of, parse_figure
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


@dataclass(frozen=True)
class PairFiles:
    """Where the files of a pair lie, by kind; only those that exist in the dataset."""

    pair: Pair
    person: dict[str, Path]
    cloth: dict[str, Path]


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
    root = Path(chosen.dataset.root)
    person = {kind: root / path for kind, path in maps.get(pair.person, {}).items()}
    cloth = {kind: root / path for kind, path in maps.get(pair.cloth, {}).items() if kind in ("cloth", "cloth_mask")}
    if "image" not in person or "cloth" not in cloth:
        return None
    return PairFiles(pair, person, cloth)


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
        figures.append(figure_of(files.cloth["cloth_mask"], "Garment mask"))
    for kind, caption in PERSON_MAPS.items():
        path = files.person.get(kind)
        if path is not None:
            draw = parse_figure if kind.startswith("parse") else figure_of
            figures.append(draw(path, caption))
    return figures


def missing_maps(files: PairFiles) -> list[str]:
    """What the dataset has not, in words."""
    missing = [caption for kind, caption in PERSON_MAPS.items() if kind not in files.person]
    return missing if "cloth_mask" in files.cloth else ["Garment mask", *missing]


def finding_lines(chosen: Frame, pair: Pair) -> None:
    """What the doctor found of the pair: faults first; nothing where it found nothing."""
    if chosen.dataset is None or chosen.split is None:
        return
    examined = findings.examination(chosen.workspace, chosen.dataset.id)
    told = examined.of_pair(chosen.split, pair.person, pair.cloth) if examined else []
    if told:
        faults_first = sorted(told, key=lambda one: one.severity != FAULT)
        findings_list([Group("", [row_of(one) for one in faults_first])], key="pair_findings")
