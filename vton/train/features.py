"""Features for the perceptual loss: torchvision's VGG19 where its published weights are, else those of a garment network."""

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import vgg19

from vton.checkpoint import load_garment
from vton.checkpoint_info import CONFIG, WEIGHTS
from vton.errors import CheckpointError
from vton.train.losses import Features
from vton.weights import TABLE, find

SHIPPED = Path(__file__).parents[2] / "data" / "demo" / "garment-features"
VGG = "vgg19"

DEPTHS = (4, 9, 18, 27, 36)  # after relu1_2, 2_2, 3_4, 4_4 and 5_4
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, which VGG19 was trained on


class Slices(nn.Module):
    """A stack of layers cut into parts; each part's output is a feature."""

    def __init__(self, layers: nn.Sequential, depths: tuple[int, ...]) -> None:
        super().__init__()
        starts = (0, *depths)
        self.parts = nn.ModuleList(layers[a:b] for a, b in zip(starts, depths, strict=False))
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None])

    def forward(self, picture: Tensor) -> list[Tensor]:
        x = ((picture + 1) / 2 - self.mean) / self.deviation  # type: ignore[operator]
        found = []
        for part in self.parts:
            x = part(x)
            found.append(x)
        return found


def open_features(folder: Path | None, device: torch.device | str) -> Features:
    """The features of the checkpoint `folder`; where none is given VGG19's if its weights are here, else the shipped ones.

    WeightsMissing where there are none of these, CheckpointError where `folder` holds none.
    """
    chosen = _chosen(folder)
    return vgg_features(device) if chosen is None else garment_features(chosen, device)


def describe_features(folder: Path | None) -> dict[str, str]:
    """Which features `open_features` gives: their name, and of a checkpoint the sha256 of its weights."""
    chosen = _chosen(folder)
    if chosen is None:
        return {"name": VGG}
    if not (chosen / WEIGHTS).is_file():
        raise CheckpointError(f"{chosen} holds no {WEIGHTS}; give the folder of garment features that a training wrote.")
    return {"name": chosen.resolve().name, "sha256": hashlib.sha256((chosen / WEIGHTS).read_bytes()).hexdigest()}


def garment_features(folder: Path, device: torch.device | str) -> Features:
    """What the garment network of a checkpoint sees, at all its depths."""
    network = load_garment(folder, device).requires_grad_(False)
    return network.features


def vgg_features(device: torch.device | str) -> Features:
    """VGG19's features of five depths. WeightsMissing where its weights are not here."""
    stored = torch.load(find(VGG), map_location="cpu", weights_only=True)
    layers = vgg19(weights=None).features
    layers.load_state_dict({name.removeprefix("features."): x for name, x in stored.items() if name.startswith("features.")})
    return Slices(layers, DEPTHS).eval().requires_grad_(False).to(device)


def _chosen(folder: Path | None) -> Path | None:
    """The checkpoint of garment features to be used; None for VGG19."""
    if folder is not None:
        return folder
    return SHIPPED if not TABLE[VGG].here and (SHIPPED / CONFIG).is_file() else None
