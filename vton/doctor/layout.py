"""Which of the layouts in use a dataset has, and what other repositories have left in it."""

import json
from pathlib import Path

from vton.pairs import MAPS, SPLITS

LAYOUTS = {  # name -> folders of a split that tell it
    "VITON-HD, release of 2022": ("image-parse-v3", "openpose_json", "image-parse-agnostic-v3.2", "agnostic-v3.2"),
    "VITON-HD, release of 2021 (hyphens)": ("image-parse", "openpose-json", "openpose-img"),
    "GP-VTON's repack": ("cloth_mask-bytedance", "parse-bytedance", "cloth_parse-bytedance"),
}
DRAWN = ("flow", "image-truth")
WARPS = ("cloth-warp", "cloth-warp-mask", "unpaired-cloth-warp", "unpaired-cloth-warp-mask")


def name_layout(root: Path) -> str:
    """The layout's name; of a mixture all that it is mixed of."""
    folders = {folder for split in SPLITS for folder in _folders(root / split)}
    names = [name for name, marks in LAYOUTS.items() if folders.intersection(marks)]
    if folders.issuperset(DRAWN):
        names = ["drawn set (vton.synthetic)"]
    return " and ".join(names) or "VITON-HD, photos and garments only"


def notes(root: Path) -> tuple[str, ...]:
    """One sentence for each thing that lies there beside the maps that are read."""
    found = []
    for split in SPLITS:
        folders = _folders(root / split)
        if warps := sorted(folders.intersection(WARPS)):
            found.append(f"{split}: DCI-VTON's warped garments ({', '.join(warps)}), named by the person; not read")
        for kind, names in MAPS.items():
            there = [name for name in names if name in folders]
            found += [f"{split}/{name} is not read, since {there[0]} holds the {kind} too" for name in there[1:]]
        found += [f"{file.name}: {_whose_list(file.name)}; give it by --pairs" for file in extra_lists(root, split)]
        if (tags := tag_file(root, split)).is_file():
            entries = count_tags(tags)
            what = f"{entries:,} entries" if entries is not None else "which cannot be read"
            found.append(f"{tags.relative_to(root)}: IDM-VTON's garment tags, {what}")
    return tuple(found)


def extra_lists(root: Path, split: str) -> list[Path]:
    """Pair lists beside the split's own one."""
    return sorted(file for file in root.glob(f"{split}_pairs_*.txt") if file.is_file())


def tag_file(root: Path, split: str) -> Path:
    """Where IDM-VTON's garment tags lie: in the split's folder, or else beside it."""
    name = f"vitonhd_{split}_tagged.json"
    return root / name if (root / name).is_file() and not (root / split / name).is_file() else root / split / name


def count_tags(file: Path) -> int | None:
    """How many entries a tag file has, or None where it is none."""
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    entries = value.get("data") if isinstance(value, dict) else None
    return len(entries) if isinstance(entries, list) else None


def _whose_list(name: str) -> str:
    if name.endswith("_1018.txt"):
        return "GP-VTON's pair list"
    return "CatVTON's pair list" if name.endswith("_pairs_unpaired.txt") else "another pair list"


def _folders(place: Path) -> set[str]:
    return {entry.name for entry in place.iterdir() if entry.is_dir()} if place.is_dir() else set()
