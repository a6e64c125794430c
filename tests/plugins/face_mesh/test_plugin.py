from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from dpe_face_mesh import plugin
from dpe_face_mesh.codes import MESH_SPACE
from dpe_face_mesh.options import DetectorOptions, GeneratorOptions, MotionOptions
from dpe_toolkit.api import (
    API_VERSION,
    ComponentContext,
    Detector,
    Encoder,
    Generator,
    MotionExtractor,
    OptionsError,
)

CPU = ComponentContext(torch.device("cpu"))
LISTED = {
    "detector": (plugin.dpe_register_detectors, Detector),
    "encoder": (plugin.dpe_register_encoders, Encoder),
    "motion": (plugin.dpe_register_motion_extractors, MotionExtractor),
    "generator": (plugin.dpe_register_generators, Generator),
}


@pytest.mark.parametrize("kind", LISTED)
def test_each_component_is_listed_and_makes_what_its_kind_promises(kind: str) -> None:
    register, protocol = LISTED[kind]
    (component,) = register()
    assert component.kind == kind
    assert component.licence == "Apache-2.0"
    assert component.fingerprint
    assert component.space == (None if kind == "detector" else MESH_SPACE)
    assert isinstance(component.create(component.options(), CPU), protocol)


def test_the_plugin_names_the_api_that_it_was_written_for() -> None:
    assert plugin.DPE_API_VERSION == API_VERSION


def test_listing_both_plugins_imports_neither_torch_nor_the_networks() -> None:
    script = """
import sys
from dpe_face_mesh import plugin as mesh
from dpe_feather_blend import plugin as feather
hooks = [getattr(module, name) for module in (mesh, feather) for name in module.__all__ if name.startswith("dpe_")]
names = [component.name for hook in hooks for component in hook()]
options = [component.options().model_dump() for hook in hooks for component in hook()]
heavy = {"torch", "cv2", "ai_edge_litert", "scipy", "av"} & set(sys.modules)
print(sorted(names), sorted(heavy))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    names = [*["face_mesh"] * 3, "feather", *["mesh"] * 4]
    assert done.stdout.strip() == f"{names} []"


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        (DetectorOptions, {"max_faces": 0}, r"face_mesh.max_faces = 0 is not accepted"),
        (DetectorOptions, {"detect_score": 1}, r"face_mesh.detect_score = 1 is not accepted"),
        (DetectorOptions, {"keep_score": 0}, r"face_mesh.keep_score = 0 is not accepted"),
        (DetectorOptions, {"search_every": 0}, r"face_mesh.search_every = 0 is not accepted"),
        (DetectorOptions, {"num_threads": 65}, r"face_mesh.num_threads = 65 is not accepted"),
        (DetectorOptions, {"max_face": 2}, r"has no option 'max_face'. did you mean 'max_faces'"),
        (MotionOptions, {"smoothing_s": -0.1}, r"face_mesh.smoothing_s = -0.1 is not accepted"),
        (GeneratorOptions, {"interpolation": "nearest"}, r"interpolation = 'nearest' is not accepted.*'bicubic'"),
        (GeneratorOptions, {"mouth_from": "nobody"}, r"mouth_from = 'nobody' is not accepted"),
        (GeneratorOptions, {"hold_pose_deg": 90}, r"hold_pose_deg = 90 is not accepted"),
    ],
)
def test_options_out_of_bounds_are_refused(
    options: type[DetectorOptions], values: dict[str, object], message: str
) -> None:
    with pytest.raises(OptionsError, match=message):
        options.parse(values, owner="face_mesh")


def test_the_registry_lists_both_plugins_without_fault_and_without_torch() -> None:
    script = """
import sys
from dpe_toolkit.plugins import load_registry
plugins = load_registry(allow={"face_mesh", "feather_blend"}).plugins
print(sorted((plugin.name, plugin.fault, len(plugin.components)) for plugin in plugins), "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[('face_mesh', None, 7), ('feather_blend', None, 1)] False"
