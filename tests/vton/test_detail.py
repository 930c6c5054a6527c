"""Detail that the autoencoder loses: laid back where the decoded picture agrees with the composite, and nowhere else."""

import pytest
import torch
from torch import Tensor

from vton.detail import carry_detail

Stripes = tuple[Tensor, Tensor]


@pytest.fixture
def striped() -> Stripes:
    """A composite of fine stripes (1, 3, 96, 72), and the grey that an autoencoder makes of it."""
    composite = torch.zeros(1, 3, 96, 72)
    composite[..., ::2] = 0.5
    return composite, torch.full_like(composite, 0.25)


def test_stripes_come_back(striped: Stripes) -> None:
    composite, rebuilt = striped
    made = carry_detail(rebuilt, rebuilt, composite)
    assert (made - composite).abs().max() < 0.3 * (rebuilt - composite).abs().max()


def test_nothing_is_laid_over_what_the_diffusion_made_otherwise(striped: Stripes) -> None:
    composite, rebuilt = striped
    decoded = rebuilt.clone()
    decoded[..., :36] = -0.75  # another thing, such as an arm before the garment
    made = carry_detail(decoded, rebuilt, composite)
    assert (made - decoded)[..., :30].abs().max() < 0.01
    assert (made - decoded)[..., 44:].abs().max() > 0.15


def test_none_of_it_leaves_the_picture_as_it_was_decoded(striped: Stripes) -> None:
    composite, rebuilt = striped
    decoded = torch.rand(1, 3, 96, 72, generator=torch.Generator().manual_seed(0))
    assert torch.equal(carry_detail(decoded, rebuilt, composite, 0.0), decoded)
