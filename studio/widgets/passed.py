"""The listed pairs whose person and garment passed the judgement."""

from db import datasets
from studio.widgets.qa_list import Board, judged_kind, outputs_of

PASSES = ("good", "usable")


def passed_pairs(made: Board) -> str:
    """Lines "person.jpg cloth.jpg" of the split's list where all maps of the person and the garment's are good or usable."""
    with made.workspace.database.read() as session:
        listed = datasets.page_pairs(session, made.dataset.id, made.split, paired=False, limit=None)
    persons = {stem for stem in {person for person, _ in listed} if _passes(made, stem, of_cloth=False)}
    cloths = {stem for stem in {cloth for _, cloth in listed} if _passes(made, stem, of_cloth=True)}
    return "".join(f"{person}.jpg {cloth}.jpg\n" for person, cloth in listed if person in persons and cloth in cloths)


def _passes(made: Board, stem: str, of_cloth: bool) -> bool:
    """Whether every output of one side of an item was judged as it is now, and passed; a side without any has not."""
    if stem not in made.maps:
        return False
    item = made.item(stem)
    outputs = [output for output in outputs_of(item) if (judged_kind(item, output) == "cloth_mask") == of_cloth]
    verdicts = made.verdicts(stem)
    return bool(outputs) and all(verdicts.get(output) in PASSES for output in outputs)
