"""The metrics that come with the suite. One row each; a third party adds rows by the entry point ``bench.metrics``."""

from collections.abc import Callable
from math import inf

from bench.features.statistics import Statistics
from bench.metrics import (
    conditional,
    fid_infinity,
    inception_score,
    kid,
    memorisation,
    modes,
    paired,
    path_length,
    perceptual,
    precision_recall,
    vendi,
)
from bench.metrics.contract import Estimate, Metric
from bench.metrics.fid import frechet_distance

BOTH = ("real", "fake")
COPYING = ("train", "held_out", "fake")
NEIGHBOURS = precision_recall.REACH + 1
PAIRED = ("output_images", "target_images")


def _fid(real_statistics: Statistics, fake_statistics: Statistics) -> float:
    return frechet_distance(real_statistics, fake_statistics)


def _reconstruction_fid(target_statistics: Statistics, output_statistics: Statistics) -> float:
    return frechet_distance(target_statistics, output_statistics)


QUALITY = [
    Metric("fid", 1, "lower", "squared distance", 0, inf, ("real_statistics", "fake_statistics"), 2,
           "Fréchet distance of Gaussians fitted to features; covariance 1/(N-1), float64 (Heusel et al. 2017)",
           _fid),
    Metric("fid-infinity", 1, "lower", "squared distance", -inf, inf, ("real_statistics", "fake"), 50,
           "FID extrapolated to infinitely many fakes, 15 sizes; error: standard error of fit (Chong & Forsyth 2020)",
           fid_infinity.fid_infinity),
    Metric("kid", 1, "lower", "squared MMD", -inf, inf, BOTH, 2,
           "Kernel distance, cubic kernel, unbiased, 100 subsets of 1000; error: sd of subsets (Bińkowski et al. 2018)",
           kid.kid),
    Metric("kid-full", 1, "lower", "squared MMD", -inf, inf, BOTH, 2,
           "Kernel distance over all pairs (U-statistic), cubic kernel: no subset noise (Bińkowski et al. 2018)",
           kid.kid_full),
    Metric("inception-score", 1, "higher", "", 1, inf, ("fake",), inception_score.SPLITS,
           "exp of the mean KL of class distributions to their marginal, 10 splits; error: sd (Salimans et al. 2016)",
           inception_score.inception_score),
    Metric("precision", 1, "higher", "share", 0, 1, BOTH, NEIGHBOURS,
           "Share of fakes inside a real 3rd-neighbour ball, border included (Kynkäänniemi et al. 2019)",
           precision_recall.precision),
    Metric("recall", 1, "higher", "share", 0, 1, BOTH, NEIGHBOURS,
           "Share of real samples inside a fake 3rd-neighbour ball, border included (Kynkäänniemi et al. 2019)",
           precision_recall.recall),
    Metric("density", 1, "higher", "", 0, inf, BOTH, NEIGHBOURS,
           "Real 5th-neighbour balls around a fake over 5, border excluded; 1 when equal (Naeem et al. 2020)",
           precision_recall.density),
    Metric("coverage", 1, "higher", "share", 0, 1, BOTH, NEIGHBOURS,
           "Share of real 5th-neighbour balls that hold a fake, border excluded (Naeem et al. 2020)",
           precision_recall.coverage),
]  # fmt: skip

DIVERSITY = [
    Metric("vendi", 1, "higher", "effective samples", 1, inf, ("fake",), 2,
           "Effective number of different fakes, cosine kernel, order 1 (Friedman & Dieng 2023)",
           vendi.vendi),
    Metric("lpips-diversity", 1, "higher", "LPIPS", 0, inf, ("fake_images", "extractor"), 4,
           "Mean LPIPS over fixed pairs of fakes, each fake in one pair; error: standard error (Zhang et al. 2018)",
           perceptual.lpips_diversity),
    Metric("lpips-diversity-within", 1, "higher", "LPIPS", 0, inf, ("fake_images", "fake_labels", "extractor"), 4,
           "Mean LPIPS over fixed pairs of fakes of one class; error: standard error (Zhang et al. 2018)",
           perceptual.lpips_diversity_within),
    Metric("perceptual-diversity", 1, "higher", "squared distance", 0, 4, ("fake",), 4,
           "Mean squared distance of unit-length features over fixed pairs of fakes; error: standard error",
           perceptual.perceptual_diversity),
    Metric("perceptual-diversity-within", 1, "higher", "squared distance", 0, 4, ("fake",), 4,
           "Mean squared distance of unit-length features over fixed pairs of one class; error: standard error",
           perceptual.perceptual_diversity_within),
    Metric("modes", 1, "higher", "classes", 0, inf, ("fake",), 1,
           "Classes that the extractor's classifier finds among the fakes (Metz et al. 2017)",
           modes.modes),
    Metric("mode-kl", 1, "lower", "nats", 0, inf, BOTH, 1,
           "KL from the classes found among the fakes to those of the real images (Metz et al. 2017)",
           modes.mode_kl),
    Metric("stacked-modes", 1, "higher", "modes", 0, inf, ("fake_channels",), 1,
           "Combinations of three classes, one per colour channel, found among the fakes (Metz et al. 2017)",
           modes.stacked_modes),
    Metric("stacked-mode-kl", 1, "lower", "nats", 0, inf, ("real_labels", "fake_channels"), 1,
           "KL from the combinations found among the fakes to those of the real images (Metz et al. 2017)",
           modes.stacked_mode_kl),
]  # fmt: skip

CONDITIONAL = [
    Metric("intra-fid", 1, "lower", "squared distance", 0, inf, BOTH, 4,
           "Mean over classes of the FID within the class (Miyato & Koyama 2018)",
           conditional.intra_fid),
    Metric("gan-test", 1, "higher", "share", 0, 1, ("fake", "held_out"), 1,
           "Share of fakes classified as the class asked for; baseline: held-out images (Shmelkov et al. 2018)",
           conditional.gan_test),
    Metric("gan-train", 1, "higher", "share", 0, 1, COPYING, 10,
           "Held-out accuracy of a linear classifier trained on fakes' features; baseline: on real ones (CAS)",
           conditional.gan_train),
]  # fmt: skip

MEMORISATION = [
    Metric("nearest-train", 1, "higher", "distance", 0, inf, COPYING, 20,
           "Mean distance of a fake to its nearest training image; baseline: of a held-out image",
           memorisation.nearest_train),
    Metric("copies", 1, "lower", "share", 0, 1, COPYING, 100,
           "Share of fakes nearer to a training image than 99 % of held-out images; baseline: held-out halves",
           memorisation.copies),
    Metric("auth-pct", 1, "higher", "%", 0, 100, COPYING, 20,
           "Fakes farther from their nearest training image than that from its own; baseline: held-out (Alaa 2022)",
           memorisation.auth_pct),
    Metric("c-t", 1, "higher", "z", -inf, inf, COPYING, 100,
           "Data-copying test: far below 0 means copies; baseline: held-out halves (Meehan et al. 2020)",
           memorisation.c_t),
]  # fmt: skip


def _path_length(space: str, sampling: str, where: str, function: Callable[..., Estimate]) -> Metric:
    def value(extractor: path_length.FloatNetwork, **paths: path_length.LatentPath) -> Estimate:
        return function(paths[f"path_{space}"], extractor)

    summary = f"Perceptual path length in {space}, {where}, e = 1e-4, float images; error: s.e. (Karras et al. 2019)"
    needs = (f"path_{space}", "extractor")
    return Metric(f"ppl-{space}-{sampling}", 1, "lower", "distance per squared step", 0, inf, needs, 1, summary, value)


SMOOTHNESS = [
    _path_length(space, sampling, where, function)
    for space in ("z", "w")
    for sampling, where, function in (
        ("full", "along the whole path", path_length.path_length_full),
        ("end", "at the path's ends", path_length.path_length_end),
    )
]

RECONSTRUCTION = [
    Metric("lpips", 1, "lower", "LPIPS", 0, inf, (*PAIRED, "extractor"), 2,
           "Mean LPIPS between output and target; error: standard error (Zhang et al. 2018)",
           perceptual.lpips),
    Metric("perceptual-distance", 1, "lower", "squared distance", 0, 4, ("output", "target"), 2,
           "Mean squared distance of unit-length features of output and target; error: standard error",
           perceptual.perceptual_distance),
    Metric("ssim", 1, "higher", "", -1, 1, PAIRED, 1,
           "Mean structural similarity, Gaussian window 11, sigma 1.5; error: standard error (Wang et al. 2004)",
           paired.ssim),
    Metric("psnr", 1, "higher", "dB", 0, paired.BEST_PSNR, PAIRED, 1,
           "Mean peak signal-to-noise ratio of 8-bit images, at most 100 dB; error: standard error",
           paired.psnr),
    Metric("l1", 1, "lower", "of white", 0, 1, PAIRED, 1,
           "Mean absolute difference of pixels; error: standard error",
           paired.l1),
    Metric("reconstruction-fid", 1, "lower", "squared distance", 0, inf, ("target_statistics", "output_statistics"), 2,
           "FID between reconstructions and their originals (Heusel et al. 2017)",
           _reconstruction_fid),
]  # fmt: skip

ROWS = [*QUALITY, *DIVERSITY, *CONDITIONAL, *MEMORISATION, *SMOOTHNESS, *RECONSTRUCTION]
