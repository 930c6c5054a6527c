"""What a drawn set knows of a pair and no photographed one does: the true flow, and where the garment is seen."""

import zipfile
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vton.conditions import Conditions
from vton.errors import DataError
from vton.flow import to_pixels
from vton.geometric import Warped, by_flow
from vton.images import mask_to_tensor
from vton.pairs import Pair, Split


@dataclass(frozen=True)
class Truth:
    """The true flow (1, 2, H, W) of a drawn pair, and where the garment is visible (1, 1, H, W)."""

    flow: Tensor
    visible: Tensor

    def warp(self, conditions: Conditions) -> Warped:
        """The warp that the truth is."""
        return by_flow(conditions, self.flow, self.visible)


def read_truth(split: Split, pair: Pair) -> Truth | None:
    """The truth of a drawn pair; None where the dataset has none. DataError where its file is damaged."""
    file = split.path("flow", pair.name)
    if file is None:
        return None
    try:
        with np.load(file) as stored:
            return Truth(torch.from_numpy(stored["flow"])[None].float(), mask_to_tensor(stored["visible"]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} holds no flow ({error}); draw the set again.") from error


def errors(flow: Tensor, truth: Truth) -> Tensor:
    """How far the flow (1, 2, H, W) is off at every pixel, (1, 1, H, W), in pixels."""
    return to_pixels(flow - truth.flow).norm(dim=1, keepdim=True)
