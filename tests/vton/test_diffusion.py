"""Schedule and samplers: noise that is laid on comes off again, at any number of steps, and each latent by its own lot."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from vton.diffusion import DiffusionConfig, Schedule, denoise, open_sampler
from vton.sampling import SAMPLERS, Sampling

CONFIGS = (
    DiffusionConfig(),
    DiffusionConfig(zero_snr=False),
    DiffusionConfig(prediction="eps", zero_snr=False),
    DiffusionConfig(prediction="eps", zero_snr=False, spacing="leading"),
)


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda c: f"{c.prediction}-{c.zero_snr}-{c.spacing}")
def schedule(request: pytest.FixtureRequest) -> Schedule:
    return Schedule(request.param)


def lots(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def latents(count: int = 2) -> Tensor:
    return torch.randn(count, 4, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Perfect:
    """A denoiser that knows the clean latent, and notes what it is asked."""

    def __init__(self, schedule: Schedule, clean: Tensor) -> None:
        self.schedule, self.clean = schedule, clean
        self.asked: list[tuple[Tensor, Tensor]] = []

    def __call__(self, noisy: Tensor, t: Tensor) -> Tensor:
        self.asked.append((noisy, t))
        kept = self.schedule.kept[t][:, None, None, None]
        noise = (noisy - kept.sqrt() * self.clean) / (1 - kept).sqrt()
        return noise if self.schedule.config.prediction == "eps" else kept.sqrt() * noise - (1 - kept).sqrt() * self.clean


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 20])
@pytest.mark.parametrize("strength", [0.6, 1.0])
def test_a_perfect_denoiser_gives_back_the_clean_latent(schedule: Schedule, sampler: str, steps: int, strength: float) -> None:
    clean, begin = latents(), torch.zeros_like(latents())
    perfect = Perfect(schedule, clean)
    found = denoise(perfect, schedule, Sampling(sampler, steps, strength=strength), begin, lots(1, 2))
    assert len(perfect.asked) == steps
    assert torch.allclose(found, clean, atol=1e-6), (found - clean).abs().max()


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 3, 7, 20, 200, 600])
def test_every_step_lands_on_the_noise_of_the_next_timestep(schedule: Schedule, sampler: str, steps: int) -> None:
    clean = latents()
    perfect = Perfect(schedule, clean)
    denoise(perfect, schedule, Sampling(sampler, steps, strength=0.9), clean, lots(1, 2))
    noise = torch.stack([torch.randn(4, 6, 5, generator=lot, dtype=torch.float64) for lot in lots(1, 2)])
    for noisy, t in perfect.asked:
        expected = schedule.add_noise(clean, noise, t)
        assert torch.allclose(noisy, expected, atol=1e-4), (t[0], (noisy - expected).abs().max())


def test_timesteps_fall_from_the_strength_and_are_as_many_as_asked() -> None:
    trailing, leading = Schedule(DiffusionConfig()), Schedule(CONFIGS[3])
    for steps in (1, 2, 7, 20, 999):
        for strength in (0.3, 1.0):
            found = trailing.timesteps(Sampling(steps=steps, strength=strength))
            assert found[0] == round(1000 * strength) - 1 and len(found) == min(steps, round(1000 * strength))
            assert found == sorted(set(found), reverse=True) and found[-1] >= 0
            assert leading.timesteps(Sampling(steps=steps, strength=strength))[-1] == 0
    assert trailing.timesteps(Sampling(steps=4, strength=1.0)) == [999, 749, 499, 249]


def test_the_schedule_is_diffusers_own() -> None:
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    for config in CONFIGS[:2]:
        schedule = Schedule(config)
        theirs = DDPMScheduler(
            beta_schedule=config.schedule, rescale_betas_zero_snr=config.zero_snr, prediction_type="v_prediction"
        )
        clean, noise, t = latents(), latents().flip(0), torch.tensor([10, 700])
        assert torch.allclose(schedule.add_noise(clean, noise, t), theirs.add_noise(clean, noise, t), atol=1e-5)
        assert torch.allclose(schedule.target(clean, noise, t), theirs.get_velocity(clean, noise, t), atol=1e-5)
    assert Schedule(CONFIGS[0]).kept[-1] == 0 < Schedule(CONFIGS[1]).kept[-1] < 1e-8


def test_what_is_predicted_is_undone(schedule: Schedule) -> None:
    clean, noise, t = latents(), latents().flip(0), torch.tensor([3, 800])
    noisy = schedule.add_noise(clean, noise, t)
    assert torch.allclose(schedule.to_clean(schedule.target(clean, noise, t), noisy, t), clean, atol=1e-9)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("step", [0, 400, 900])
def test_what_is_expected_is_the_mean_that_composite_and_noisy_latent_leave(config: DiffusionConfig, step: int) -> None:
    schedule, apart = Schedule(replace(config, apart=0.5)), 0.5
    clean, composite, noise = latents(6).split(2)
    t = torch.full((2,), step)
    noisy, kept = schedule.add_noise(clean, noise, t), float(schedule.kept[step])
    found = schedule.to_clean(torch.as_tensor(schedule.expected(noisy, composite, t)), noisy, t)
    mean = composite / apart**2 + kept**0.5 * noisy / (1 - kept)
    assert torch.allclose(found, mean / (1 / apart**2 + kept / (1 - kept)), atol=1e-6)
    assert Schedule(config).expected(noisy, composite, t) == 0


def test_weighted_errors_of_a_prediction_are_those_of_the_clean_latent(schedule: Schedule) -> None:
    clean, noise = latents(), latents().flip(0)
    t = torch.tensor([200, 800])
    noisy, wanted = schedule.add_noise(clean, noise, t), schedule.target(clean, noise, t)
    ratio = schedule.kept[t] / (1 - schedule.kept[t])
    assert ratio[0] > 5 > ratio[1]
    said = wanted + 0.1 * latents()
    off = (schedule.to_clean(said, noisy, t) - clean).square().mean((1, 2, 3)) * ratio.clamp(max=5)
    assert torch.allclose(schedule.weights(t, 5.0) * (said - wanted).square().mean((1, 2, 3)), off, rtol=1e-5)


def test_the_last_timestep_is_learnt_though_it_keeps_nothing() -> None:
    schedule = Schedule(DiffusionConfig(zero_snr=True))
    weights = schedule.weights(torch.arange(1000), 5.0)
    assert schedule.kept[999] < 1e-6 and 0.04 < weights[999] < 0.06
    assert float(weights.max()) < 1 and weights.argmax() < 999


def test_what_comes_out_depends_on_the_own_lot_alone() -> None:
    schedule, sampling = Schedule(DiffusionConfig()), Sampling(steps=3, eta=1.0)
    begin = latents(3)

    def halved(noisy: Tensor, t: Tensor) -> Tensor:
        return noisy / 2

    together = denoise(halved, schedule, sampling, begin, lots(1, 2, 3))
    alone = torch.cat([denoise(halved, schedule, sampling, begin[i, None], lots(i + 1)) for i in range(3)])
    assert torch.equal(together, alone)
    assert not torch.equal(together, denoise(halved, schedule, sampling, begin, lots(1, 2, 4)))
    assert not torch.equal(together, denoise(halved, schedule, Sampling(steps=3), begin, lots(1, 2, 3)))


def test_the_preview_tells_every_step_and_its_clean_latent() -> None:
    schedule, clean = Schedule(DiffusionConfig()), latents()
    told: list[tuple[int, int]] = []

    def preview(step: int, steps: int, seen: Tensor) -> None:
        told.append((step, steps))
        assert torch.allclose(seen, clean)

    denoise(Perfect(schedule, clean), schedule, Sampling(steps=3), clean, lots(1, 2), preview)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_is_refused() -> None:
    for wrong in ({"prediction": "x"}, {"spacing": "even"}, {"timesteps": 0}):
        with pytest.raises(ValueError, match="prediction is one of"):
            DiffusionConfig(**{"zero_snr": False} | wrong)
    for wrong in ({"prediction": "eps"}, {"spacing": "leading"}):
        with pytest.raises(ValueError, match="zero_snr needs"):
            DiffusionConfig(**wrong)
    with pytest.raises(ValueError, match="there are ddim, "):
        Sampling("euler")
    for wrong in ({"steps": 0}, {"strength": 0.0}, {"strength": 1.1}, {"eta": -0.1}, {"guidance": -1.0}):
        with pytest.raises(ValueError, match="are needed"):
            Sampling(**wrong)
    with pytest.raises(ValueError, match="eta is ddim's"):
        Sampling("unipc", eta=0.5)


def test_a_sampler_has_the_timesteps_that_it_is_opened_for() -> None:
    schedule = Schedule(DiffusionConfig())
    for name in SAMPLERS:
        assert [int(t) for t in open_sampler(name, schedule, [999, 400, 3]).timesteps] == [2, 1, 0]
