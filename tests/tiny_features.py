"""Random weights of the feature networks, in the published formats and under the published names."""

from pathlib import Path

import torch
from torch import nn
from torchvision.models import alexnet

from vton.weights import TABLE


def save_inception(folder: Path) -> Path:
    """torch-fidelity's InceptionV3, its convolutions drawn so that the signal lasts to the last layer."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unread(FeatureExtractorInceptionV3):
        def load_state_dict(self, *arguments, **named):
            """Take nothing: it stays as it was drawn."""

    file = folder / TABLE["inception"].place
    torch.save({}, file)
    torch.manual_seed(3)
    network = Unread("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(file))
    _draw(network)
    torch.save(network.state_dict(), file)
    return file


def save_alexnet(folder: Path) -> Path:
    """torchvision's AlexNet."""
    torch.manual_seed(4)
    network = alexnet(weights=None)
    _draw(network)
    file = folder / TABLE["alexnet"].place
    torch.save(network.state_dict(), file)
    return file


def _draw(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
