"""Whether the files of an item fit each other: maps and photo, mask and garment, garments and photos, joints and photo."""

from collections import Counter
from collections.abc import Iterator, Mapping

from vton.doctor.listing import CLOTH_KINDS, PAIR_KINDS, folder_name
from vton.doctor.look import Look
from vton.doctor.report import FAULT, WARNING, Finding, Trouble, finding
from vton.pairs import MAPS, Split

Looks = Mapping[tuple[str, str], Look]  # (kind, stem) -> what was seen
SAME_SHAPE = 0.02  # relative difference of height / width
BEYOND = 1.05  # how far outside the photo a joint may lie


def check_sizes(split: Split, looks: Looks) -> Iterator[Finding]:
    """Findings of all files of a split that could be read."""
    for kind in MAPS:
        if kind not in ("image", "cloth"):
            for stem, file in sorted(split.maps[kind].items()):
                trouble = _map_trouble(kind, stem, looks)
                if trouble:
                    yield finding(trouble, file, split.name, stem)
    yield from _cloth_sizes(split, looks)


def _map_trouble(kind: str, stem: str, looks: Looks) -> Trouble | None:
    owner = ("cloth", stem) if kind in CLOTH_KINDS else ("image", stem.split("__")[0] if kind in PAIR_KINDS else stem)
    look, whole = looks.get((kind, stem)), looks.get(owner)
    if look is None or whole is None or whole.size is None:
        return None
    if look.reach:
        return _reach_trouble(look.reach, whole.size)
    if look.size is None or look.size == whole.size:
        return None
    what = "the garment photo" if owner[0] == "cloth" else "the photo"
    wrong = f"is {_written(look.size)}, {what} {_written(whole.size)}"
    ratio = (look.size[0] / look.size[1]) / (whole.size[0] / whole.size[1])
    if kind in PAIR_KINDS or abs(ratio - 1) > SAME_SHAPE:
        return Trouble("size", FAULT, f"{wrong}: another shape, so they do not lie on each other", "make it from this photo")
    return Trouble("size", WARNING, f"{wrong}; it is brought to that size, with coarse borders", "make it at the photo's size")


def _reach_trouble(reach: tuple[float, float], size: tuple[int, int]) -> Trouble | None:
    if reach[0] <= BEYOND * size[0] and reach[1] <= BEYOND * size[1]:
        return None
    wrong = f"has joints as far as {reach[1]:.0f}, {reach[0]:.0f}, outside the photo of {_written(size)}"
    return Trouble("keypoints", FAULT, wrong, "run the keypoint detector on the photo as it is, or scale the joints")


def _cloth_sizes(split: Split, looks: Looks) -> Iterator[Finding]:
    photos = Counter(look.size for stem in split.maps["image"] if (look := looks.get(("image", stem))) and look.size)
    sizes = {stem: look.size for stem in split.maps["cloth"] if (look := looks.get(("cloth", stem))) and look.size}
    if not photos:
        return
    usual = photos.most_common(1)[0][0]
    others = {stem: size for stem, size in sorted(sizes.items()) if size not in photos}
    todo = "nothing is lost; other programs want both at one size"
    if len(others) == len(sizes) > 1 and len(set(others.values())) == 1:
        size = next(iter(others.values()))
        wrong = f"all garment photos are {_written(size)}, the photos {_written(usual)}"
        yield finding(Trouble("size", WARNING, wrong, todo), folder_name(split, "cloth"), split.name)
        return
    for stem, size in others.items():
        trouble = Trouble("size", WARNING, f"is {_written(size)}, the photos {_written(usual)}", todo)
        yield finding(trouble, split.maps["cloth"][stem], split.name, stem)


def _written(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
