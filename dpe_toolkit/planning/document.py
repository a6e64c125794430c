"""Plans that are read instead of made, and whether their media are still those that they were made for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from dpe_toolkit.core.errors import DpeError, PlanError
from dpe_toolkit.planning.media import Digest
from dpe_toolkit.plans.document import parse_plan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem

__all__ = ["read_plan"]


def read_plan(path: Path, *, digest: Digest | None = None) -> RenderPlan:
    """The plan in a file, ready to render; media that are not there any more or have changed stand in ``problems``.

    A plan of a former schema is upgraded, which stands there as a warning. A part of a plan, by `RenderPlan.trim`,
    renders to the same samples as in the whole.

    Args:
        path: as `write_plan` or ``dpe plan --json`` wrote it.
        digest: content digest of a file; by default `dpe_toolkit.media.file_digest`.

    Raises:
        PlanError: the file cannot be read, or holds no plan, one of a newer schema, or a damaged one.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PlanError(
            f"the plan {str(path)!r} cannot be read: {error.strerror or error}",
            "a file that exists and may be read",
            "correct the name",
        ) from error
    plan = parse_plan(text, str(path))
    changed = tuple(_changed(plan, digest))
    return plan if not changed else plan.model_copy(update={"problems": (*plan.problems, *changed)})


def _changed(plan: RenderPlan, digest: Digest | None) -> Iterator[Problem]:
    """Media that are not those of the plan."""
    from dpe_toolkit.media import file_digest, sequence_digest, sequence_of

    of_file = digest or file_digest

    def of_images(path: Path) -> str:
        found = sequence_of(path)
        return of_file(path) if found is None else sequence_digest(found)

    checks: dict[Path, tuple[str, Callable[[Path], str]]] = {}
    for media in (*plan.media(), *(use.media for use in plan.part_of)):
        checks[media.path] = media.digest, of_file if media.missing_images is None else of_images
    for track in plan.sound or ():
        checks.update({part.path: (part.digest, of_file) for part in track.parts if part.path not in checks})
    for path, (wanted, digest_of) in checks.items():
        try:
            found = digest_of(path)
        except DpeError as error:
            yield Problem(
                where=f"media {str(path)!r}",
                wrong=error.wrong[:1].lower() + error.wrong[1:],
                expected="the file that the plan was made for",
                action="put it back, or plan the timeline again",
            )
            continue
        if wanted and found != wanted:
            yield Problem(
                where=f"media {str(path)!r}",
                wrong=f"its content has changed since the plan was made: it is {found}",
                expected=wanted,
                action="put the former file back, or plan the timeline again",
            )
