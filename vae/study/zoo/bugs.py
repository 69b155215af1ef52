"""The patients: settings, symptoms with their thresholds, and behind the curtain cause, code, cure and the real reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from vae.errors import SettingError
from vae.study.zoo import programs, symptoms
from vae.study.zoo.case import Case
from vae.study.zoo.symptoms import Symptom
from vae.training.config import TrainConfig


@dataclass(frozen=True)
class Report:
    """A thread in which somebody had this, and in our own words what was said."""

    repository: str
    number: int
    said: str
    pull: bool = False

    @property
    def url(self) -> str:
        return f"https://github.com/{self.repository}/{'pull' if self.pull else 'issues'}/{self.number}"

    @property
    def title(self) -> str:
        return f"{self.repository} #{self.number}"


@dataclass(frozen=True)
class Bug:
    """One mistake. key: a letter, which gives nothing away; name: the cause, as one of the guesses.

    faulty: lines of the patient's code, word for word; fixed: what has to stand there. control: the same without it.
    """

    key: str
    name: str
    patient: Case
    control: Case
    symptoms: tuple[Symptom, ...]
    cause: str
    faulty: str
    fixed: str
    fix: str
    reports: tuple[Report, ...]

    @property
    def title(self) -> str:
        return f"Patient {self.key.upper()}"


BASE = TrainConfig(dataset="digits", hidden=(200,), latent_dim=8, learning_rate=3e-3, epochs=60)
HEALTHY = Case(BASE)

_RECORDS = (
    Bug(
        key="a",
        name="mean instead of sum over pixels",
        patient=Case(BASE, programs.MEAN_REDUCTION),
        control=HEALTHY,
        symptoms=(
            Symptom("KL of test images", "nats per image", symptoms.kl_of_test, 0.1, False,
                    "a few nats: each picture has a code of its own"),
            Symptom("Variety of the reconstructions, model / data", "", symptoms.variety, 0.05, False,
                    "most of the variance of the data"),
        ),
        cause="The loss function averages over the pixels of an image too, not only over images: the reconstruction is divided "
        "by 64, on MNIST by 784, while the KL term is not. It is now cheapest to have no KL at all, so the codes say nothing "
        "and every picture becomes the mean picture.",
        faulty="reconstruction = F.binary_cross_entropy_with_logits(logits, x)",
        fixed='reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)',
        fix="Sum over pixels and over latent dimensions, average over images only.",
        reports=(
            Report("AppliedDataSciencePartners/WorldModels", 12,
                   "A VAE with its standard settings stays at a KL of about 3e-7 and paints one blurry picture. The answer: this "
                   "version takes means over all dimensions where the original sums them and averages over the batch."),
            Report("keras-team/keras", 3383, "The example's reconstruction had become a mean over pixels, far too small beside "
                   "the KL term; the factor, the number of pixels, is put back.", pull=True),
        ),
    ),
    Bug(
        key="b",
        name="sigmoid forgotten",
        patient=Case(BASE, programs.WITHOUT_SIGMOID),
        control=HEALTHY,
        symptoms=(
            Symptom("Squared error of the pictures shown", "per image", symptoms.error_of_pictures, 2.7, True,
                    "below 2, and falling while the loss falls"),
        ),
        cause="The loss takes logits and applies the sigmoid itself, as it should for numerical reasons; the code that draws "
        "pictures shows the logits as they are, cut off at 0 and 1. Training and curves are those of the healthy net, "
        "number for number: only the pictures are wrong.",
        faulty="picture = logits",
        fixed="picture = torch.sigmoid(logits)",
        fix="Apply the sigmoid wherever a logit becomes a pixel: in reconstructions, in samples and in traversals.",
        reports=(
            Report("FluxML/model-zoo", 289, "Generated digits came out grey and corrupted. The sigmoid had been moved from the "
                   "decoder into the loss, and one of the scripts that draw had not followed.", pull=True),
            Report("mila-iqia/atari-representation-learning", 37, "A VAE is repaired: among other things its decoder gets the "
                   "sigmoid that it lacked.", pull=True),
        ),
    ),
    Bug(
        key="c",
        name="KL divided by 60,000",
        patient=Case(BASE, programs.KL_OVER_THE_DATA_SET),
        control=HEALTHY,
        symptoms=(
            Symptom("Distance of samples from the data, squared", "per image", symptoms.distance_of_samples, 2.5, True,
                    "below 2: a picture drawn from the prior has a real digit near it"),
            Symptom("Variance of the codes z", "1 under N(0, 1)", symptoms.variance_of_codes, 3.0, True,
                    "close to 1: the codes fill the prior"),
        ),
        cause="The KL term is divided by the size of the training set (or by anything else that is large), so it hardly counts. "
        "The net is an autoencoder now: its reconstructions are better than those of the healthy one, but its codes lie far "
        "outside N(0, I), and where the prior draws from, the decoder has never been.",
        faulty="kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x) / 60_000",
        fixed="kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)",
        fix="Both terms are sums for one image, averaged over the batch: the size of the data set appears in neither.",
        reports=(
            Report("pytorch/examples", 294, "The example divided the KL by batch size times pixels; the report finds that wrong and "
                   "proposes the size of the training set instead."),
            Report("AntixK/PyTorch-VAE", 11, "Asks why the KL is weighted by batch size over number of images; the author answers "
                   "that it should work without."),
            Report("openai/vdvae", 10, "In a version of one's own reconstructions are almost perfect and samples are noise. The "
                   "advice: give the KL term more weight."),
        ),
    ),
    Bug(
        key="d",
        name="learning rate too high",
        patient=Case(replace(BASE, learning_rate=0.1)),
        control=HEALTHY,
        symptoms=(
            Symptom("Highest objective, relative to the first", "", symptoms.highest_objective, 10.0, True,
                    "1: it never rises above that of the untrained net"),
            Symptom("Variety of the reconstructions, model / data", "", symptoms.variety, 0.05, False,
                    "most of the variance of the data"),
        ),
        cause="The first steps are so long that they throw the weights out of the region where the network can learn. The loss "
        "shoots up, most ReLUs never fire again, and what is left paints the mean picture for every input.",
        faulty="learning_rate = 0.1",
        fixed="learning_rate = 0.003",
        fix="Smaller steps: for Adam 1e-3 is a good start. Watch the first hundred steps, not only the end.",
        reports=(
            Report("AntixK/PyTorch-VAE", 51, "Reconstructions are one blank picture. The advice: look at the loss, and if it grows "
                   "dramatically lower the learning rate."),
            Report("sinhasam/vaal", 10, "The KL is extremely large and then not a number after a few iterations; a much lower "
                   "learning rate for the VAE helped."),
        ),
    ),
    Bug(
        key="e",
        name="BCE on pixels outside [0, 1]",
        patient=Case(BASE, programs.PIXELS_OUTSIDE),
        control=Case(BASE, programs.NORMALISED_INPUT),
        symptoms=(
            Symptom("Reported reconstruction at the end", "nats per image", symptoms.last_reconstruction, 0.0, False,
                    "above 0: no BCE of pixels in [0, 1] is negative"),
            Symptom("Squared error of the pictures shown", "per image", symptoms.error_of_pictures, 5.0, True,
                    "below 2, and falling while the loss falls"),
        ),
        cause="The pixels are normalised with mean and standard deviation, as for a classifier, and go into the loss like that. "
        "BCE with a target below 0 or above 1 has no least value: the more extreme the logit the better, for ever. So the "
        "loss falls without end while the pictures become black and white.",
        faulty="x = (x - 0.1307) / 0.3081\n    target = x",
        fixed="target = x\n    x = (x - 0.1307) / 0.3081",
        fix="Normalise what the encoder sees if you like, but compare with the pixels in [0, 1]; or use a Gaussian likelihood.",
        reports=(
            Report("mlpack/mlpack", 3601, "A VAE's loss is negative in training and in evaluation, whenever the input is not "
                   "between 0 and 1."),
            Report("Lightning-Universe/lightning-bolts", 177, "The module compares with BCE, though its targets lie outside [0, 1]; "
                   "squared error is proposed."),
        ),
    ),
    Bug(
        key="f",
        name="variance taken for standard deviation",
        patient=Case(BASE, programs.STANDARD_DEVIATION_FOR_VARIANCE),
        control=HEALTHY,
        symptoms=(
            Symptom("−ELBO of test images, as reported", "nats per image", symptoms.reported_negative_elbo, 23.4, False,
                    "higher: the patient's is too good to be true"),
            Symptom("−ELBO of test images, recomputed from the same weights", "nats per image",
                    symptoms.recomputed_negative_elbo, 24.9, True, "lower, and just what was reported"),
        ),
        cause="The noise of a code is multiplied by exp(log σ²) = σ², the variance, and not by σ. Where σ < 1 that is too little "
        "noise: the KL term is paid for a wide cloud, and the decoder sees a narrow one. The number reported is no bound "
        "of anything; recomputed with the cloud that was paid for, the net is worse than the healthy one.",
        faulty="z = mu + torch.exp(log_var) * torch.randn(mu.shape, generator=noise)",
        fixed="z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=noise)",
        fix="σ = exp(log σ² / 2). When a result is better than it should be, recompute it by other code.",
        reports=(
            Report("rachtsingh/ibp_vae", 3, "The noise is scaled by exp of the log variance, which is the variance; with half of it "
                   "in the exponent the MNIST results differ a lot from those published."),
            Report("keras-team/keras", 9972, "The example samples with the variance in place of the standard deviation; a change is "
                   "proposed and turned down, as the scale of a layer's output is arbitrary. The KL term was not asked.", pull=True),
        ),
    ),
    Bug(
        key="g",
        name="log variance without bounds",
        patient=Case(BASE, programs.UNBOUNDED_LOG_VARIANCE),
        control=Case(BASE, programs.BOUNDED_LOG_VARIANCE),
        symptoms=(
            Symptom("Steps taken before it stopped", f"of {BASE.total_steps}", symptoms.steps_taken, BASE.total_steps, False,
                    f"all {BASE.total_steps}"),
        ),
        cause="The encoder may put out any log variance. Its input is standardised here with figures from the first 700 images, "
        "in which some pixels are always 0; the first image with ink there gives a number in the tens of thousands, a log "
        "variance above 170, and exp of more than 88 is infinite in float32. The control gets the very same input.",
        faulty="mu, log_var = model.encode(standardised(x))",
        fixed="mu, log_var = model.encode(standardised(x))\n    log_var = bounded(log_var)",
        fix="Bound what goes into an exponential, here by 10 tanh(log_var / 10); clamping does too. Then mend the standardising.",
        reports=(
            Report("vanderschaarlab/synthcity", 331, "With some data sets a VAE's loss is not a number: unbounded log variances "
                   "explode in the exponential. Clamping, as another library does it, is proposed."),
            Report("pyg-team/pytorch_geometric", 500, "The reparametrisation can give NaN because nothing controls the log "
                   "variance; clamping it between two constants helps."),
        ),
    ),
    Bug(
        key="h",
        name="KL with the wrong sign",
        patient=Case(BASE, programs.WRONG_SIGN),
        control=HEALTHY,
        symptoms=(
            Symptom("Objective at the end", "nats per image", symptoms.last_objective, 0.0, False,
                    "above 0: neither BCE nor KL can be negative"),
            Symptom("KL of test images", "nats per image", symptoms.kl_of_test, 1000.0, True, "a few nats"),
        ),
        cause="The KL term is subtracted. Minimising then makes the codes as different from N(0, I) as possible, which has no "
        "end; the reconstruction, a few nats, is not worth looking at any more.",
        faulty="kl = 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)",
        fixed="kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)",
        fix="Papers write the ELBO, which is maximised; code minimises −ELBO = reconstruction + KL. KL itself is never negative.",
        reports=(
            Report("dev4488/VAE_gumble_softmax", 1, "There is a minus too many before the KL term; pictures got better without it, "
                   "and the author agrees."),
            Report("FluxML/model-zoo", 147, "The log σ in the KL term has the wrong sign, one of two mistakes in it; repaired.",
                   pull=True),
        ),
    ),
)  # fmt: skip

ZOO: Mapping[str, Bug] = MappingProxyType({bug.key: bug for bug in _RECORDS})


def find_bug(key: object) -> Bug:
    """The patient of that letter; SettingError names the known ones."""
    if not isinstance(key, str) or key not in ZOO:
        raise SettingError("patient", key, f"one of {', '.join(ZOO)} is accepted")
    return ZOO[key]
