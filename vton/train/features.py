"""Features for the perceptual loss: torchvision's VGG19, where its published weights are."""

import torch
from torch import Tensor, nn
from torchvision.models import vgg19

from vton.train.losses import Features
from vton.weights import find

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


def vgg_features(device: torch.device | str) -> Features:
    """VGG19's features of five depths. WeightsMissing where its weights are not here."""
    stored = torch.load(find("vgg19"), map_location="cpu", weights_only=True)
    layers = vgg19(weights=None).features
    layers.load_state_dict({name.removeprefix("features."): x for name, x in stored.items() if name.startswith("features.")})
    return Slices(layers, DEPTHS).eval().requires_grad_(False).to(device)
