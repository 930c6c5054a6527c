"""The cache of latents: found by content and autoencoder, whole after an interruption, drawn anew each time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vton.checkpoint import save_vae
from vton.errors import CheckpointError
from vton.latents import LatentCache, draw_latent, open_latents
from vton.networks.vae import Posterior, Vae
from vton.presets import VAE


@pytest.fixture(scope="module")
def vae() -> Vae:
    torch.manual_seed(3)
    return Vae(VAE["tiny"].network).eval()


@pytest.fixture
def cache(tmp_path: Path) -> LatentCache:
    return LatentCache(tmp_path / "latents", "a" * 64)


def pictures(n: int) -> list[Tensor]:
    return list((torch.rand(n, 3, 64, 48, generator=torch.Generator().manual_seed(n)) * 2 - 1).split(1))


def files(cache: LatentCache) -> list[Path]:
    return [path for path in cache.folder.rglob("*") if path.is_file()]


def test_what_is_kept_is_what_the_autoencoder_says_in_half_precision(vae: Vae, cache: LatentCache) -> None:
    seen = pictures(5)
    assert cache.fill(vae, seen, 5, batch=2) == 5 and len(files(cache)) == 5
    for picture in seen:
        found, said = cache.read(picture), vae.encode(picture)
        assert found is not None and found.mean.dtype == torch.float32 and found.mean.shape == (1, 4, 8, 6)
        assert torch.allclose(found.mean, said.mean, rtol=1e-3, atol=1e-4)
        assert torch.allclose(found.logvar, said.logvar, rtol=1e-3, atol=1e-3)


def test_another_picture_and_another_autoencoder_find_nothing(vae: Vae, cache: LatentCache) -> None:
    (seen,) = pictures(1)
    cache.fill(vae, [seen], 1)
    changed = seen.clone()
    changed[0, 0, 5, 5] += 0.01
    for other in (changed, seen.flip(-1), seen.reshape(1, 3, 48, 64)):
        assert cache.read(other) is None
    assert LatentCache(cache.folder, "b" * 64).read(seen) is None and cache.read(seen.clone()) is not None


def test_the_folder_follows_the_weights(vae: Vae, tmp_path: Path) -> None:
    (seen,) = pictures(1)
    save_vae(tmp_path / "one", vae, {})
    open_latents(tmp_path / "cache", tmp_path / "one").fill(vae, [seen], 1)
    assert open_latents(tmp_path / "cache", tmp_path / "one").read(seen) is not None
    torch.manual_seed(4)
    save_vae(tmp_path / "one", Vae(vae.config), {})
    assert open_latents(tmp_path / "cache", tmp_path / "one").read(seen) is None
    with pytest.raises(CheckpointError, match="cannot be read"):
        open_latents(tmp_path / "cache", tmp_path / "nowhere")


def test_an_interruption_leaves_whole_files_and_the_next_call_does_the_rest(
    vae: Vae, cache: LatentCache, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = pictures(7)

    def until(last: int) -> Iterator[Tensor]:
        yield from seen[:last]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.fill(vae, until(5), 7, batch=2)
    assert len(files(cache)) == 4 and all(cache.read(picture) for picture in seen[:4])
    assert cache.fill(vae, seen, 7, batch=2) == 3
    assert cache.fill(vae, seen, 7, batch=2) == 0
    assert "Latents: 7/7" in capsys.readouterr().err


def test_a_kill_while_a_file_is_written_leaves_none(vae: Vae, cache: LatentCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(file: int) -> None:
        raise KeyboardInterrupt

    seen = pictures(2)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            cache.fill(vae, seen, 2)
    assert files(cache) == [] and cache.fill(vae, seen, 2) == 2


def test_a_damaged_file_is_made_anew(vae: Vae, cache: LatentCache) -> None:
    seen = pictures(3)
    cache.fill(vae, seen, 3)
    damaged = files(cache)[0]
    damaged.write_bytes(damaged.read_bytes()[:50])
    assert cache.fill(vae, seen, 3) == 1
    assert all(cache.read(picture) for picture in seen)


def test_each_epoch_draws_another_latent_and_the_same_number_the_same() -> None:
    posterior = Posterior(torch.full((1, 4, 32, 24), -1.0), torch.full((1, 4, 32, 24), -2.0))
    first, again, later, elsewhere = (draw_latent(posterior, *which) for which in ((5, 3), (5, 3), (5, 1503), (6, 3)))
    assert torch.equal(first, again) and not torch.equal(first, later) and not torch.equal(first, elsewhere)
    many = torch.cat([draw_latent(posterior, 5, number) for number in range(20)])
    assert abs(float(many.mean()) + 1) < 0.01 and abs(float(many.std()) - torch.tensor(-1.0).exp()) < 0.01
