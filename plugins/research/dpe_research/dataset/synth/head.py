"""The whole head of one identity: rest shape, activities and what every vertex is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.atlas import skin_uv
from dpe_research.dataset.synth.body import ear, neck, shoulders, skull
from dpe_research.dataset.synth.deformation import activity_fields
from dpe_research.dataset.synth.expression import ACTED_NAMES
from dpe_research.dataset.synth.face_mesh import face_mesh
from dpe_research.dataset.synth.hair import hair_parts
from dpe_research.dataset.synth.identity import Identity
from dpe_research.dataset.synth.inside import BALL_CENTRES, eyeball, lid_edge, lip_backs, teeth, throat, tongue
from dpe_research.dataset.synth.lower_face import jaw_turn
from dpe_research.dataset.synth.parts import Part, outward, own
from dpe_research.dataset.synth.shape import shape_field
from dpe_toolkit.api.face import LID_PAIRS, NUM_FACE_VERTICES, RIGID_VERTICES, fit_similarities

__all__ = ["Head", "build_head"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """One identity's head. The first 468 vertices are the face's."""

    rest: FloatArray
    """(V, 3) neutral, in canonical centimetres."""
    activities: FloatArray
    """(A, V, 3) displacement of each of `ACTED_NAMES` at amount 1."""
    triangles: IntArray
    """(T, 3)."""
    uv: FloatArray
    """(V, 2) texture pixels."""
    turn: FloatArray
    """(V,) share of the head's turn that a vertex takes."""
    two_sided: npt.NDArray[np.bool_]
    """(T,) True where a triangle's back is seen too."""
    open_to_light: FloatArray
    """(V,) share of the light that reaches it."""
    balls: tuple[slice, slice]
    """Vertices of the two eyeballs, the picture's left first."""
    ball_centres: FloatArray
    """(2, 3)."""
    incidence: tuple[IntArray, IntArray]
    """Triangle of every corner in the order of vertices, and where each vertex's corners begin."""


@lru_cache(maxsize=4)
def build_head(identity: Identity) -> Head:
    """The head of an identity.

    After its shape has changed it is laid back over the canonical face by forehead, temples and bridge of the
    nose, so that an identity has no pose, place or size of its own. Source: S. Umeyama, 1991.
    """
    parts = _parts(identity)
    mesh = face_mesh()
    starts = np.cumsum([NUM_FACE_VERTICES] + [len(part.points) for part in parts])
    triangles = [mesh.triangles]
    triangles += [
        np.where(part.triangles < 0, start + own(part.triangles), part.triangles)
        for start, part in zip(starts, parts, strict=False)
    ]
    neutral = np.concatenate([mesh.neutral] + [part.points for part in parts])
    balls = _ball_slices(parts, starts)
    rest = neutral + shape_field(neutral, identity.shape, identity.seed)
    centres = BALL_CENTRES + shape_field(BALL_CENTRES, identity.shape, identity.seed)
    for ball, old, new in zip(balls, BALL_CENTRES, centres, strict=True):
        rest[ball] = neutral[ball] + (new - old)
    everything = _laid_over(np.concatenate([rest, centres]), mesh.canonical)
    activities = _all_activities(parts, neutral)
    _fit_blinks(activities, everything, mesh.neutral)
    joined = np.concatenate(triangles)
    return Head(
        rest=everything[:-2],
        activities=activities,
        triangles=joined,
        uv=np.concatenate([skin_uv(mesh.canonical)] + [part.uv for part in parts]),
        turn=_joined(parts, "turn", 1.0),
        two_sided=np.repeat(
            [False, *(part.two_sided for part in parts)],
            [len(mesh.triangles), *(len(part.triangles) for part in parts)],
        ),
        open_to_light=_joined(parts, "open_to_light", 1.0),
        balls=balls,
        ball_centres=everything[-2:],
        incidence=_incidence(joined, len(neutral)),
    )


def _parts(identity: Identity) -> list[Part]:
    parts = [skull(), ear(-1), ear(1), neck(), shoulders(), lid_edge(0), lid_edge(1), eyeball(0), eyeball(1)]
    parts += [lip_backs(), throat(), teeth(upper=True), teeth(upper=False), tongue()]
    parts += hair_parts(identity.hair_style, identity.seed)
    return [replace(part, triangles=_oriented(part)) for part in parts]


def _oriented(part: Part) -> IntArray:
    """A part's triangles wound outward, or inward for the throat, where it does not continue the face's."""
    if part.triangles.max() >= 0:
        return part.triangles
    triangles = own(outward(part.points, own(part.triangles)))
    return triangles[:, ::-1] if part.name == "throat" else triangles


def _ball_slices(parts: list[Part], starts: IntArray) -> tuple[slice, slice]:
    names = [part.name for part in parts]
    left, right = (names.index(name) for name in ("eye0", "eye1"))
    return slice(int(starts[left]), int(starts[left + 1])), slice(int(starts[right]), int(starts[right + 1]))


def _joined(parts: list[Part], name: str, usual: float) -> FloatArray:
    """(V,) of a property that parts may leave empty."""
    columns = [np.full(NUM_FACE_VERTICES, usual)]
    for part in parts:
        values: FloatArray = getattr(part, name)
        columns.append(values if len(values) else np.full(len(part.points), usual))
    return np.concatenate(columns)


def _all_activities(parts: list[Part], neutral: FloatArray) -> FloatArray:
    """(A, V, 3): the face's own fields, and what hangs on the face or on the jaw."""
    fields = activity_fields()
    anchor = np.concatenate([np.arange(NUM_FACE_VERTICES)] + [part.anchor for part in parts])
    pull = np.concatenate([np.ones(NUM_FACE_VERTICES)] + [part.pull for part in parts])
    jaw = _joined(parts, "jaw", 0.0)
    jaw[:NUM_FACE_VERTICES] = 0
    activities = fields[:, anchor] * pull[:, None]
    activities[ACTED_NAMES.index("jawOpen")] += jaw[:, None] * jaw_turn(neutral)
    for name, sign in (("jawLeft", 1.0), ("jawRight", -1.0)):
        activities[ACTED_NAMES.index(name), :, 0] += jaw * 0.9 * sign
    return activities


def _fit_blinks(activities: FloatArray, rest: FloatArray, neutral: FloatArray) -> None:
    """Scales what closes an eye by how much wider than the neutral face's it is open, in place."""
    for side, name in enumerate(("eyeBlinkRight", "eyeBlinkLeft")):
        upper, lower = LID_PAIRS[side].T
        ratio = (rest[lower, 1] - rest[upper, 1]).sum() / (neutral[lower, 1] - neutral[upper, 1]).sum()
        activities[ACTED_NAMES.index(name)] *= ratio


def _laid_over(points: FloatArray, canonical: FloatArray) -> FloatArray:
    """The points moved, turned and scaled back by what takes the canonical face's rigid vertices closest to theirs."""
    fit = fit_similarities(canonical[RIGID_VERTICES], points[None, RIGID_VERTICES])
    return np.asarray(((points - fit.translation[0]) @ fit.rotation[0] / fit.scale[0]).round(6))


def _incidence(triangles: IntArray, num_vertices: int) -> tuple[IntArray, IntArray]:
    corners = triangles.reshape(-1)
    order = corners.argsort(kind="stable")
    return order // 3, np.searchsorted(corners[order], np.arange(num_vertices))
