"""The finest detail, which no autoencoder with a factor of 8 keeps, laid back into what was decoded: the garment's pattern,
hands and outlines.

What is lost is known: it is the composite less what the autoencoder makes of the composite. Where the decoded picture agrees
with that in the large, so where the diffusion left the composite as it was, the loss is added to it again; at the photo's size,
so that it also brings back what is finer than the network's pixels.
"""

import cv2
import torch
from torch import Tensor

DETAIL = 0.8  # of what is lost
AGREEING = 0.1  # difference of blurred colours, in units of -1..1, at which a third of it is added
BROAD = 1 / 64  # of the height: what "in the large" is


def carry_detail(decoded: Tensor, rebuilt: Tensor, composite: Tensor, share: float = DETAIL) -> Tensor:
    """The `decoded` picture with the detail that the `composite` has, and what the autoencoder `rebuilt` of it has not; all
    (1, 3, H, W) in -1..1, of the photo's size."""
    apart = _blurred(decoded - rebuilt, BROAD * decoded.shape[-2]).abs().mean(1, keepdim=True)
    return decoded + share * torch.exp(-((apart / AGREEING) ** 2)) * (composite - rebuilt)


def _blurred(picture: Tensor, sigma: float) -> Tensor:
    pixels = picture[0].permute(1, 2, 0).contiguous().numpy()
    return torch.from_numpy(cv2.GaussianBlur(pixels, (0, 0), sigma)).permute(2, 0, 1)[None]
