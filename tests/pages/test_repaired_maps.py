"""Browse and the lab show the map that a run would take: the repaired one, marked, with the dataset's own behind a switch."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from db import datasets
from db.models import Run
from studio import repairs
from studio.media import sign
from studio.repairs import Item
from studio.workspace import Workspace
from vton.pairs import Pair

Open = Callable[..., AppTest]
SWITCH = "The dataset's own maps"


@pytest.fixture
def pair(run: Run, opened: Workspace) -> Pair:
    assert run.dataset_id is not None
    with opened.database.read() as session:
        return Pair(*datasets.page_pairs(session, run.dataset_id, "test", paired=False)[0])


@pytest.fixture
def item(run: Run, opened: Workspace, pair: Pair) -> Item:
    """The pair's person, the agnostic mask repaired by hand; whoever wears the garment keeps theirs."""
    assert run.dataset_id is not None
    with opened.database.read() as session:
        dataset = datasets.get(session, run.dataset_id)
    assert dataset is not None
    found = repairs.find_item(opened, dataset, "test", pair.person)
    assert found is not None
    path = found.path("agnostic_mask")
    mask, sent = repairs.labels_of(found, "agnostic_mask").copy(), io.BytesIO()
    mask[: len(mask) // 2] = 0
    Image.fromarray(mask).save(sent, "PNG")
    assert path is not None
    repairs.save(opened, found, "agnostic_mask", sent.getvalue(), "Ada", repairs.sha256_of(path))
    return found


def cells(at: AppTest) -> dict[str, tuple[str, str]]:
    """{caption: (note, address of the true pixels)} of every map that is drawn."""
    assert not at.exception and not at.error, at.exception or at.error
    text = " ".join(element.proto.body for element in at.html)
    found = re.findall(r'href="([^"]*)"[^>]*><span.*?<figcaption>([^<]*)(?:<small>([^<]*)</small>)?</figcaption>', text)
    return {caption: (note, href) for href, caption, note in found}


def full(workspace: Workspace, path: Path | None) -> str:
    assert path is not None
    return sign(workspace, path)


def test_browse_shows_the_repaired_map_and_the_datasets_own_on_demand(
    item: Item, pair: Pair, opened: Workspace, open_page: Open
) -> None:
    at = open_page("browse", pair=pair.name)
    shown = cells(at)
    assert np.array_equal(np.array(Image.open(item.path("agnostic_mask") or "")), repairs.labels_of(item, "agnostic_mask"))
    for caption, kind in (("Agnostic mask", "agnostic_mask"), ("Agnostic", "agnostic"), ("Parse, agnostic", "parse_agnostic")):
        assert shown[caption] == ("repaired", full(opened, item.path(kind)))
        assert item.path(kind) != item.original(kind)
    assert shown["Parse"] == ("", full(opened, item.original("parse"))), "only what was repaired is marked"

    (switch,) = (one for one in at.toggle if one.label.startswith(SWITCH))
    own = cells(switch.set_value(True).run())
    assert own["Agnostic mask"] == ("", full(opened, item.original("agnostic_mask")))
    assert "repaired" not in [note for note, _ in own.values()]


def test_a_pair_without_repairs_has_no_switch(item: Item, pair: Pair, open_page: Open, opened: Workspace) -> None:
    with opened.database.read() as session:
        listed = datasets.page_pairs(session, item.dataset.id, "test", paired=False)
    other = next(Pair(*one) for one in listed if pair.person not in one)
    at = open_page("browse", pair=other.name)
    assert not at.toggle and "repaired" not in [note for note, _ in cells(at).values()]


def test_the_lab_shows_what_the_result_was_made_of(item: Item, pair: Pair, opened: Workspace, open_page: Open) -> None:
    at = open_page("lab", pair=pair.name)
    assert "before the maps were repaired" in " ".join(one.value for one in at.caption)
    assert cells(at)["Agnostic mask"] == ("", full(opened, item.original("agnostic_mask")))
    mended = cells(at.toggle[0].set_value(False).run())
    assert mended["Agnostic mask"] == ("repaired", full(opened, item.path("agnostic_mask")))
