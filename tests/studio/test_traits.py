"""Garment traits: from IDM-VTON's tags or a drawn set's record; what is damaged or foreign is one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio import traits

TAGS = {
    "data": [
        {
            "file_name": "00001_00.jpg",
            "category_name": "TOPS",
            "tag_info": [
                {"tag_name": "sleeveLength", "tag_category": "Short"},
                {"tag_name": "colors", "tag_category": ["Black", "White"]},
                {"tag_name": "fit", "tag_category": None},
            ],
        },
        {"file_name": "00002_00.jpg", "tag_info": [{"tag_name": "sleeveLength", "tag_category": "Long"}]},
        {
            "file_name": "00003_00.jpg",
            "category_name": "TOPS",
            "tag_info": [{"tag_name": "sleeveLength", "tag_category": "Long"}],
        },
    ]
}


def written(root: Path, name: str, value: Any) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return file


def told(root: Path) -> traits.Traits:
    return traits.read(traits.version(root, "test"))


@pytest.mark.parametrize("name", ["test/vitonhd_test_tagged.json", "vitonhd_test_tagged.json"])
def test_tags_are_read_by_key_and_value_the_most_frequent_first(tmp_path: Path, name: str) -> None:
    (tmp_path / "test").mkdir()
    written(tmp_path, name, TAGS)
    known = told(tmp_path)
    assert known.fault == ""
    assert {key: {value: sorted(stems) for value, stems in values.items()} for key, values in known.stems.items()} == {
        "category_name": {"Tops": ["00001_00", "00003_00"]},
        "sleeveLength": {"Long": ["00002_00", "00003_00"], "Short": ["00001_00"]},
        "colors": {"Black": ["00001_00"], "White": ["00001_00"]},
    }
    assert list(known.stems["sleeveLength"]) == ["Long", "Short"]
    assert known.having("sleeveLength", {"Short", "Long"}) == {"00001_00", "00002_00", "00003_00"}
    assert known.having("sleeveLength", {"Cropped"}) == known.having("nothing", {"Short"}) == frozenset()


def test_a_drawn_set_tells_its_own(drawn: Path) -> None:
    known = told(drawn)
    assert known.fault == "" and {"sleeves", "neckline", "arms"} <= set(known.stems)
    assert traits.is_of_person("arms") and traits.is_of_person("turned") and not traits.is_of_person("sleeves")
    assert set(known.stems["turned"]) <= {"left", "front", "right"}
    stems = {path.stem for path in (drawn / "test" / "cloth").iterdir()}
    assert known.having("sleeves", set(known.stems["sleeves"])) == stems


def test_nothing_tells_nothing(tmp_path: Path) -> None:
    assert told(tmp_path) == traits.Traits()


@pytest.mark.parametrize("name", ["test/vitonhd_test_tagged.json", "test/traits.json"])
@pytest.mark.parametrize("value", ["{", "[]", "3", '{"data": 3}', '{"data": [{"tag_info": []}]}', '{"a": "b"}', "[" * 100_000])
def test_a_foreign_file_is_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    file = written(tmp_path, name, value)
    known = told(tmp_path)
    assert known.stems == {} and str(file) in known.fault


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    written(tmp_path, "test/traits.json", {"a": {"sleeves": "long"}})
    assert told(tmp_path).having("sleeves", {"long"}) == {"a"}
    written(tmp_path, "test/traits.json", {"a": {"sleeves": "long"}, "b": {"sleeves": "long"}})
    assert told(tmp_path).having("sleeves", {"long"}) == {"a", "b"}
