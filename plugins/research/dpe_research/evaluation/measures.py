"""Which metrics a run has, and why it has not the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_research.evaluation.calibration import CalibratedRegressor, Calibration
from dpe_research.evaluation.methods import as_floats
from dpe_research.evaluation.metrics import MetricInfo, Psnr, Ssim, reading_columns
from dpe_research.evaluation.reading import FaceReader
from dpe_toolkit.api import PictureMetric

if TYPE_CHECKING:
    from dpe_research.evaluation.metrics import Lpips

__all__ = ["CSIM", "SEEN", "Measures", "NamedMetric", "picture_metrics"]

CSIM = MetricInfo(
    key="csim",
    label="CSIM",
    higher_is_better=True,
    about="Cosine of the identity embeddings of result and source (of result and truth where there is one).",
)
SEEN = MetricInfo(
    key="seen",
    label="face seen",
    unit="share",
    higher_is_better=True,
    about="Share of the results in which the regressor saw a face. Only these count in CSIM, AED, APD and movements, "
    "so a row of few faces flatters its method.",
)
_PSNR = MetricInfo(
    key="psnr",
    label="PSNR",
    unit="dB",
    higher_is_better=True,
    about="Over all pixels and channels at 8 bits; a frame without any error counts 100 dB in a mean.",
)
_SSIM = MetricInfo(
    key="ssim", label="SSIM", higher_is_better=True, about="Gaussian window of 1.5 px, mean of the colour channels."
)


@dataclass(frozen=True, slots=True)
class NamedMetric:
    """A metric that compares pictures, and its column."""

    info: MetricInfo
    metric: PictureMetric


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything that judges pictures in one run."""

    pictures: tuple[NamedMetric, ...]
    reader: FaceReader | None
    regressor_name: str = "mesh"
    identity_name: str = ""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Key of a column to why nothing can be measured in it."""
    absent_columns: tuple[MetricInfo, ...] = ()
    """Columns of picture metrics that cannot run."""
    calibration: Calibration | None = None
    """What the reader's expression was calibrated by, in the grid protocol; None where it is the regressor's own."""

    def calibrated(self, calibration: Calibration) -> Measures:
        """The same measures, whose reader gives drawn activities for expressions."""
        assert self.reader is not None
        regressor = CalibratedRegressor(self.reader.regressor, calibration)
        return replace(self, reader=replace(self.reader, regressor=regressor), calibration=calibration)

    def expression_quantity(self, measured: Collection[str]) -> str:
        """Which of the measured quantities stands for the expression in ratios."""
        return "shape" if "shape" in measured and self.calibration is None else "code"

    @property
    def picture_columns(self) -> tuple[MetricInfo, ...]:
        """Columns of the metrics that compare pictures, those included that cannot run."""
        return (*(named.info for named in self.pictures), *self.absent_columns)

    @property
    def face_columns(self) -> tuple[MetricInfo, ...]:
        """CSIM, AED, APD, and in how many results a face was seen at all."""
        named = CSIM.model_copy(update={"label": f"CSIM ({self.identity_name})"}) if self.identity_name else CSIM
        return (named, *reading_columns(self.regressor_name), SEEN)

    def compare(self, results: Tensor, references: Tensor) -> dict[str, npt.NDArray[np.float64]]:
        """Key to (N,) values of uint8 pictures."""
        first, second = as_floats(results), as_floats(references)
        with torch.no_grad():
            values = {named.info.key: named.metric.compare(first, second) for named in self.pictures}
        return {key: np.asarray(value.cpu().double().numpy(), np.float64) for key, value in values.items()}


def picture_metrics(
    lpips: Lpips | str, third_party: Mapping[str, PictureMetric]
) -> tuple[tuple[NamedMetric, ...], tuple[MetricInfo, ...], dict[str, str]]:
    """The picture metrics that run, the columns of those that do not, and why.

    Args:
        lpips: the network with its weights, or why there is none.
        third_party: name to metric, of components of kind ``metric``.
    """
    metrics = [NamedMetric(_PSNR, Psnr()), NamedMetric(_SSIM, Ssim())]
    column = _lpips_column("alex" if isinstance(lpips, str) else lpips.name)
    absent: dict[str, str] = {}
    if isinstance(lpips, str):
        absent[column.key] = lpips
    else:
        metrics.append(NamedMetric(column, lpips))
    for name, metric in third_party.items():
        info = MetricInfo(key=f"metric_{name}", label=name, higher_is_better=metric.higher_is_better)
        metrics.append(NamedMetric(info.model_copy(update={"about": f"Component '{name}' of kind metric."}), metric))
    return tuple(metrics), (column,) if absent else (), absent


def _lpips_column(network: str) -> MetricInfo:
    title = {"alex": "AlexNet", "vgg": "VGG-16"}[network]
    about = f"Distance of {title} features, weights of version 0.1, as given."
    return MetricInfo(key="lpips", label=f"LPIPS ({network})", higher_is_better=False, about=about)
