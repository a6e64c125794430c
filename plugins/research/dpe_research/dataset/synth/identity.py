"""Who the synthetic person is, and the light and the place that the person is filmed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from dpe_research.dataset.synth.shape import SHAPE_NAMES

__all__ = ["Backdrop", "HairStyle", "Identity", "Light", "sample_identity"]

Color = tuple[float, float, float]
"""RGB in [0, 1], encoded."""
HairStyle = Literal["bald", "cropped", "short", "full", "curly", "long"]

_SKINS: tuple[Color, ...] = (
    (0.95, 0.80, 0.72),
    (0.92, 0.74, 0.63),
    (0.87, 0.68, 0.55),
    (0.80, 0.60, 0.45),
    (0.70, 0.49, 0.35),
    (0.56, 0.38, 0.27),
    (0.44, 0.29, 0.21),
)
_HAIRS: tuple[Color, ...] = (
    (0.10, 0.08, 0.07),
    (0.20, 0.14, 0.10),
    (0.34, 0.22, 0.13),
    (0.52, 0.36, 0.20),
    (0.76, 0.60, 0.38),
    (0.55, 0.24, 0.12),
    (0.62, 0.61, 0.60),
)
_IRISES: tuple[Color, ...] = ((0.25, 0.15, 0.08), (0.36, 0.23, 0.11), (0.33, 0.38, 0.20), (0.35, 0.48, 0.60))


@dataclass(frozen=True, slots=True)
class Light:
    """One key light and what comes from everywhere."""

    direction: tuple[float, float, float]
    """Towards the light, in the picture's axes (x right, y down, z away); of length 1."""
    key: Color
    """Linear strength of the key light."""
    sky: Color
    """Linear strength of what comes from above."""
    ground: Color
    """Linear strength of what comes from below."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What is behind the person; it never moves."""

    seed: int
    kind: Literal["plain", "gradient", "blobs", "stripes", "cloth"]
    first: Color
    second: Color


@dataclass(frozen=True, slots=True)
class Identity:
    """All that tells one person and clip of the set from another. Light and backdrop belong to it, not to the pose."""

    seed: int
    """Of what has no parameter: skin blemishes, hair strands, the finest shape."""
    shape: tuple[float, ...]
    """Amounts of `SHAPE_NAMES`, usual spread 1."""
    skin: Color
    lips: Color
    hair: Color
    brows: Color
    iris: Color
    clothes: Color
    hair_style: HairStyle
    brow_thickness: float
    """1 is usual."""
    beard: float
    """0 shaven, 1 full."""
    ruddiness: float
    """How much redder cheeks, nose and ears are, 0 to 1."""
    freckles: float
    """0 to 1."""
    light: Light
    backdrop: Backdrop


def sample_identity(seed: int) -> Identity:
    """The person of a seed: the same for the same seed, everywhere."""
    random = np.random.default_rng([7, seed])
    skin = _blend(_SKINS, random)
    hair = _HAIRS[int(random.integers(2 if skin[0] < 0.6 else len(_HAIRS)))]
    rosy = random.uniform(0.1, 0.55)
    style = get_args(HairStyle)[int(random.choice(6, p=[0.06, 0.16, 0.24, 0.2, 0.12, 0.22]))]
    bearded = style != "long" and random.random() < 0.35
    return Identity(
        seed=seed,
        shape=tuple(float(value) for value in np.clip(random.normal(size=len(SHAPE_NAMES)), -1.8, 1.8)),
        skin=skin,
        lips=_mixed(skin, (0.66, 0.25, 0.27), 0.3 + 0.5 * rosy),
        hair=hair,
        brows=_mixed(_mixed(hair, (0.16, 0.11, 0.08), 0.5), skin, 0.08),
        iris=_IRISES[int(random.integers(2 if skin[0] < 0.6 else len(_IRISES)))],
        clothes=_any_color(random, 0.08, 0.8),
        hair_style=style,
        brow_thickness=float(random.uniform(0.7, 1.35)),
        beard=float(random.uniform(0.3, 1.0)) if bearded else 0.0,
        ruddiness=float(rosy),
        freckles=float(max(0.0, random.uniform(-0.7, 0.9))) if skin[0] > 0.8 else 0.0,
        light=_sample_light(random),
        backdrop=_sample_backdrop(random),
    )


def _sample_light(random: np.random.Generator) -> Light:
    azimuth, height = random.uniform(-1.0, 1.0), random.uniform(0.15, 0.85)
    direction = np.array([np.sin(azimuth), -np.sin(height), -np.cos(azimuth)])
    direction /= np.sqrt((direction**2).sum())
    warm = random.uniform(-1, 1)
    strength, fill = random.uniform(0.55, 0.95), random.uniform(0.3, 0.55)
    key = (strength * (1 + 0.10 * warm), strength, strength * (1 - 0.14 * warm))
    sky = (fill * (1 - 0.06 * warm), fill, fill * (1 + 0.08 * warm))
    ground = (fill * 0.62, fill * 0.56, fill * 0.52)
    return Light(_color(direction), _color(key), _color(sky), _color(ground))


def _sample_backdrop(random: np.random.Generator) -> Backdrop:
    kinds: tuple[Literal["plain", "gradient", "blobs", "stripes", "cloth"], ...]
    kinds = ("plain", "gradient", "blobs", "stripes", "cloth")
    kind = kinds[int(random.integers(len(kinds)))]
    first = _any_color(random, 0.12, 0.85)
    second = _mixed(first, _any_color(random, 0.05, 0.95), 0.6)
    return Backdrop(int(random.integers(2**31)), kind, first, second)


def _any_color(random: np.random.Generator, low: float, high: float) -> Color:
    grey = random.uniform(low, high)
    return _color(np.clip(grey + random.uniform(-0.22, 0.22, 3), 0.03, 0.97))


def _blend(colors: tuple[Color, ...], random: np.random.Generator) -> Color:
    place = random.uniform(0, len(colors) - 1.001)
    below = int(place)
    return _mixed(colors[below], colors[below + 1], place - below)


def _mixed(a: Color, b: Color, share: float) -> Color:
    return _color(np.array(a) * (1 - share) + np.array(b) * share)


def _color(values: object) -> Color:
    red, green, blue = (round(float(value), 6) for value in np.asarray(values, np.float64))
    return (red, green, blue)
