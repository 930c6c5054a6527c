"""The listed pairs whose person and garment passed the judgement."""

from db import datasets
from studio.widgets.qa_list import Board, outputs_of

PASSES = ("good", "usable")
OF_CLOTH = "cloth_mask"  # the one output that is about the garment


def passed_pairs(made: Board) -> str:
    """Lines "person.jpg cloth.jpg" of the split's list where all maps of the person and the garment's are good or usable."""
    with made.workspace.database.read() as session:
        listed = datasets.page_pairs(session, made.dataset.id, made.split, paired=False, limit=None)
    passed = {stem: _passed_sides(made, stem) for stem in {stem for pair in listed for stem in pair}}
    return "".join(f"{person}.jpg {cloth}.jpg\n" for person, cloth in listed if passed[person][0] and passed[cloth][1])


def _passed_sides(made: Board, stem: str) -> tuple[bool, bool]:
    """Whether all that there is to judge of an item's person was judged as it is now, and passed; the same of its garment."""
    if stem not in made.maps:
        return False, False
    verdicts = made.verdicts(stem)
    outputs = outputs_of(made.item(stem))
    sides = ([output for output in outputs if output != OF_CLOTH], [output for output in outputs if output == OF_CLOTH])
    person, cloth = (bool(side) and all(verdicts.get(output) in PASSES for output in side) for side in sides)
    return person, cloth
