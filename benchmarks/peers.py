"""The trainers of Pythae and Lightning at the same work: run by the interpreter of `make peers`, asked by steps.py.

Each line of standard input asks: {"trainer": ..., "config": ..., "threads": ..., "steps": ...}. The line that answers holds the
milliseconds of a step, from the end of the first to the end of the last, so that no start is counted. As whoever wants speed
would have them: no progress bar, checkpoint, logger or worker process, and the images float32 in memory beforehand. Pythae takes
the mean over a batch where the others take the sum, and half the squared error; the arithmetic is the same.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
import warnings

os.environ["TQDM_DISABLE"] = "1"  # Pythae draws a progress bar whatever it is told

import lightning
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.plain import plain_loss
from vae import TrainConfig, load_dataset
from vae.data import to_unit


class Encoder(BaseEncoder):
    def __init__(self, net: nn.Module):
        super().__init__()
        self.features, self.mu, self.log_var = net.encoder, net.mu, net.log_var

    def forward(self, x: Tensor) -> ModelOutput:
        features = self.features(x)
        return ModelOutput(embedding=self.mu(features), log_covariance=self.log_var(features))


class Decoder(BaseDecoder):
    def __init__(self, net: nn.Module):
        super().__init__()
        self.logits = net.decoder

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=torch.sigmoid(self.logits(z)))


class PythaeClock(TrainingCallback):
    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_step_end(self, *_: object, **__: object) -> None:
        self.ends.append(time.perf_counter())


def pythae_ends(config: TrainConfig, images: Tensor) -> list[float]:
    net, clock = config.build_model(), PythaeClock()
    settings = VAEConfig(input_dim=config.shape, latent_dim=config.latent_dim, reconstruction_loss=config.loss)
    with tempfile.TemporaryDirectory() as folder:  # the model is saved at the end, after the last step
        training = BaseTrainerConfig(
            output_dir=folder, num_epochs=1, per_device_train_batch_size=config.batch_size,
            learning_rate=config.learning_rate, no_cuda=True,
        )  # fmt: skip
        data = BaseDataset(images, torch.zeros(len(images)))
        BaseTrainer(VAE(settings, Encoder(net), Decoder(net)), data, None, training, [clock]).train()
    return clock.ends


class Module(lightning.LightningModule):
    def __init__(self, config: TrainConfig):
        super().__init__()
        self.config, self.net, self.ends = config, config.build_model(), []

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        return plain_loss(self.config, self.net, batch[0])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.config.learning_rate)

    def on_train_batch_end(self, *_: object) -> None:
        self.ends.append(time.perf_counter())


def lightning_ends(config: TrainConfig, images: Tensor) -> list[float]:
    module = Module(config)
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, DataLoader(TensorDataset(images), batch_size=config.batch_size, shuffle=True))
    return module.ends


TRAINERS = {"Pythae": pythae_ends, "Lightning": lightning_ends}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a trainer prints is no answer
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        asked = json.loads(line)
        config = TrainConfig.from_dict(asked["config"])
        torch.set_num_threads(asked["threads"])
        images = to_unit(load_dataset(config.dataset).train[: asked["steps"] * config.batch_size])
        ends = TRAINERS[asked["trainer"]](config, images)
        print(1e3 * (ends[-1] - ends[0]) / (len(ends) - 1), file=answers)


if __name__ == "__main__":
    main()
