"""Faces that are chosen by a picture of the person."""

from __future__ import annotations

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.editing.settings import EditSettings
from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.planning.media import MediaLibrary, problem_of
from dpe_toolkit.planning.problems import ProblemList

__all__ = ["resolve_faces"]


def resolve_faces(
    settings: EditSettings, library: MediaLibrary, problems: ProblemList, *, where: str
) -> dict[str, FaceChoice]:
    """The faces of an edit that are chosen by a picture, with their pictures found."""
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
    return faces
