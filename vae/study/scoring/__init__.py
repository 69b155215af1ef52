"""Trained models scored under every loss, and under measures that belong to no loss; the best of each marked.

score(config, model, data) -> Scores        one model, on the first test images
reference_scores(data, pixels=...) -> (floor, collapsed)    the same for a perfect copy and for the mean training image
matrix({title: scores, ...}) -> Matrix      rows are MEASURES, a column a model
"""

from vae.study.scoring.likelihood import log_likelihood
from vae.study.scoring.measures import GROUPS, MEASURES, Measure
from vae.study.scoring.outputs import ModelOutputs, mean_image, outputs_of
from vae.study.scoring.readings import (
    HALF_A_GREY_LEVEL,
    READINGS,
    Prediction,
    Reading,
    continuous_bernoulli_parameter,
)
from vae.study.scoring.rescue import Rescue, rescue_pictures
from vae.study.scoring.scores import Scores, reference_scores, score
from vae.study.scoring.table import Cell, Matrix, Row, matrix
from vae.training.evaluation import laplacian_variance

__all__ = [
    "GROUPS", "HALF_A_GREY_LEVEL", "MEASURES", "READINGS", "Cell", "Matrix", "Measure", "Prediction", "Reading", "Rescue",
    "Row", "Scores", "ModelOutputs", "continuous_bernoulli_parameter", "laplacian_variance", "log_likelihood", "outputs_of", "matrix",
    "mean_image", "reference_scores", "rescue_pictures", "score",
]  # fmt: skip
