"""Faces that are chosen by a picture of the person."""

from __future__ import annotations

from dpe_toolkit.errors import MediaError
from dpe_toolkit.plan import ComponentChoice, FaceChoice
from dpe_toolkit.planning.components import choose_identity
from dpe_toolkit.planning.media import MediaLibrary, problem_of
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.planning.settings import EditSettings
from dpe_toolkit.registry import Registry

__all__ = ["settle_faces"]


def settle_faces(
    settings: EditSettings, registry: Registry, library: MediaLibrary, problems: ProblemList, *, where: str
) -> tuple[dict[str, FaceChoice], dict[str, ComponentChoice]]:
    """The faces of an edit with their pictures found, and the component that compares them where one is needed."""
    faces: dict[str, FaceChoice] = {}
    for role in ("source_face", "driver_face"):
        face: FaceChoice = getattr(settings, role)
        if face.by != "reference":
            continue
        try:
            path, digest = library.picture(face.reference)
        except MediaError as error:
            problems.items.append(problem_of(error, f"reference picture of {where}"))
            continue
        faces[role] = face.model_copy(update={"reference": str(path), "reference_digest": digest})
    if not faces:
        return {}, {}
    choice, faults = choose_identity(registry, where)
    problems.items.extend(faults)
    return faces, {} if choice is None else {"identity": choice}
