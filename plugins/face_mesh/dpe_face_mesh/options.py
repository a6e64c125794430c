"""Options of the plugin's components, importable without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dpe_toolkit.api import PluginOptions

__all__ = ["DetectorOptions", "GeneratorOptions", "LandmarkOptions", "MotionOptions", "RegressorOptions"]


class DetectorOptions(PluginOptions):
    """Options of detector ``face_mesh``."""

    max_faces: int = Field(default=4, ge=1, le=16, description="Faces followed at most; the largest are kept.")
    detect_score: float = Field(default=0.5, ge=0.05, le=0.99, description="Score from which a detection counts.")
    keep_score: float = Field(default=0.5, ge=0.05, le=0.99, description="Mesh score below which a face is lost.")
    search_every: int = Field(default=12, ge=1, le=1000, description="Frames between searches for further faces.")
    small_faces: bool = Field(default=True, description="Search the frame in tiles where the whole shows no face.")
    num_threads: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Threads of each network; a second one gains nothing.",
    )


class LandmarkOptions(PluginOptions):
    """Options of landmarker ``face_mesh``."""

    keep_score: float = Field(default=0.5, ge=0.05, le=0.99, description="Mesh score below which a face is left out.")
    num_threads: int = Field(default=1, ge=1, le=64, description="Threads of each network.")


class MotionOptions(PluginOptions):
    """Options of motion extractor ``mesh``."""

    smoothing_s: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="Width in seconds (one sigma) of the zero-phase filter over expression; 0 keeps every tremor.",
    )
    relax_neutral: bool = Field(
        default=True,
        description="Take remaining expression out of the estimated neutral, for people who are never at rest.",
    )


class GeneratorOptions(PluginOptions):
    """Options of generator ``mesh``."""

    interpolation: Literal["bicubic", "bilinear"] = Field(
        default="bicubic", description="How moved pixels are read; bilinear is faster and softer."
    )
    mouth_from: Literal["auto", "source", "driver", "none"] = Field(
        default="auto",
        description="Whose frames show the inside of a mouth that the source holds shut: auto takes the source's own "
        "frames first, then the driver.",
    )
    hold_pose_deg: float = Field(
        default=8.0,
        ge=0,
        le=20,
        description="Most degrees by which the head is rotated against the tilt that an expression seems to bring; "
        "0 = off.",
    )
    eye_donors: bool = Field(default=True, description="Take opened or shut lids from the source's own frames.")


class RegressorOptions(PluginOptions):
    """Options of regressor ``mesh``."""

    blendshape_weight: float = Field(
        default=1.0, ge=0, le=10, description="How much blendshapes count in the expression; 0 leaves them out."
    )
    shape_weight: float = Field(
        default=1.0,
        ge=0,
        le=10,
        description="How much lips, chin, brows and lids, in centimetres over their spread, count; 0 leaves them out. "
        "They hold a person's build too, so leave them out to compare two persons.",
    )
