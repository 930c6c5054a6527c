"""The networks behind LPIPS, FID and KID, from published weights in the weights folder; nothing is fetched here."""

import hashlib
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from vton.errors import CheckpointError
from vton.weights import TABLE, find

ALEXNET, INCEPTION = "alexnet", "inception"  # their names in vton.weights
FEATURES = "2048"  # the layer of Inception, as torch-fidelity calls it, that FID and KID are published with


def open_lpips(device: str) -> nn.Module:
    """torchmetrics' LPIPS on AlexNet: two (N, 3, H, W) in [-1, 1] in, (N, 1, 1, 1) out.

    Its five linear layers come with torchmetrics; AlexNet's weights are torchvision's. WeightsMissing, CheckpointError.
    """
    from torchmetrics.functional.image.lpips import _LPIPS  # the public ones fetch AlexNet where they do not find it

    path = find(ALEXNET)
    stored = _stored(path, ALEXNET)
    network = _LPIPS(net="alex", pnet_rand=True)
    try:  # "slice2.3.weight" there is "features.3.weight" here
        network.net.load_state_dict({key: stored["features." + key.split(".", 1)[1]] for key in network.net.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise _foreign(path, ALEXNET) from error
    return network.eval().requires_grad_(False).to(device)


def open_inception(device: str, layer: str = FEATURES) -> nn.Module:
    """torch-fidelity's InceptionV3: uint8 (N, 3, H, W) of any size in, a tuple of one (N, features) out.

    WeightsMissing, CheckpointError.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = find(INCEPTION)
    _stored(path, INCEPTION)  # the library reads it without restriction: so it is read with one first
    try:
        network = FeatureExtractorInceptionV3("inception-v3-compat", [layer], feature_extractor_weights_path=str(path))
    except RuntimeError as error:
        raise _foreign(path, INCEPTION) from error
    return network.to(device)


def weights_sha256(name: str) -> str:
    """What tells one file of weights from another."""
    with find(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stored(path: Path, name: str) -> dict[str, Tensor]:
    try:
        stored: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise _foreign(path, name) from error
    if not isinstance(stored, dict):
        raise _foreign(path, name)
    return stored


def _foreign(path: Path, name: str) -> CheckpointError:
    return CheckpointError(
        f"{path} does not hold the weights {name} ({TABLE[name].what}) as they are published; "
        f"move it away, and `python -m vton.weights --fetch {name}` gets them."
    )
