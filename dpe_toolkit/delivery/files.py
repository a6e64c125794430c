"""What is looked at before anything is started: the files and folders that were typed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dpe_toolkit.core.errors import DpeError, MediaError, OptionsError, RenderError
from dpe_toolkit.core.outputs import Output, expect_outputs

if TYPE_CHECKING:
    from dpe_toolkit.plans.model import RenderPlan

__all__ = ["as_usage", "earlier_kept", "refuse_no_folders", "refuse_output", "refuse_over_plan"]


@contextlib.contextmanager
def as_usage() -> Iterator[None]:
    """Makes a fault of a file that was named one of usage, which says that nothing was started.

    Raises:
        OptionsError: in place of the fault, in its words.
    """
    try:
        yield
    except (MediaError, RenderError) as error:
        raise OptionsError(error.wrong, error.expected, error.action, clip=error.clip, path=error.path) from error


def refuse_output(output: Path, *, reads: Iterable[Path] = (), images: bool = False) -> None:
    """Refuses an output that could not be written, or that would replace one of the files in ``reads``.

    Args:
        output: what is to be written.
        reads: what is read.
        images: the output is a folder of images.

    Raises:
        OptionsError: with what to do instead.
    """
    expect_outputs([Output(path=output, is_folder=images)], reads, error=OptionsError)


def refuse_over_plan(outputs: Iterable[Output], source: Path | RenderPlan, plan: RenderPlan) -> None:
    """Refuses outputs that would replace what a plan reads: media, sound, weights, the sidecar, or the plan's file.

    Args:
        outputs: all that is to be written.
        source: the timeline, or the plan's file, that was named.
        plan: the whole plan that was made of it, however little of it is wanted.

    Raises:
        OptionsError: with what to do instead.
    """
    from dpe_toolkit.timeline import sidecar_path

    written = tuple(outputs)
    reads = [*plan.files(), *(image for output in written for image in _images_like(output.path, plan))]
    reads += [] if plan.timeline_path is None else [sidecar_path(plan.timeline_path)]
    reads += [source] if isinstance(source, Path) else []
    expect_outputs(written, reads, error=OptionsError, reader="the timeline")


def _images_like(output: Path, plan: RenderPlan) -> Iterator[Path]:
    """The output, where it is an image of a sequence, which plans name by its numbers in brackets."""
    from dpe_toolkit.media import sequence_of

    for path in {media.path for media in plan.media() if media.missing_images is not None}:
        found = sequence_of(path) if path.parent.resolve() == output.parent.resolve() else None
        if found is not None and any(found.image(frame).name == output.name for frame in range(found.num_frames)):
            yield output


@contextlib.contextmanager
def earlier_kept(*paths: Path) -> Iterator[None]:
    """Puts back what stood in these small files where the work fails, as the output itself is kept then.

    An earlier video would otherwise lie beside a timeline that does not describe it. What did not exist
    before stays where the work had begun, so that it can be gone on with; where it was refused, it is deleted.
    """
    from dpe_toolkit.media import written_whole

    earlier = {path: path.read_bytes() for path in paths if path.is_file()}
    try:
        yield
    except BaseException as error:
        for path, data in earlier.items():
            with written_whole(path) as temporary:
                temporary.write_bytes(data)
        if isinstance(error, DpeError) and error.exit_code == OptionsError.exit_code:
            for path in set(paths) - earlier.keys():
                path.unlink(missing_ok=True)
        raise


def refuse_no_folders(folders: Iterable[Path], option: str) -> None:
    """Refuses a folder to look for media in that is none, since nothing would be found there.

    Args:
        folders: those that were named.
        option: by which option, for the message.

    Raises:
        OptionsError: the first such folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise OptionsError("it is no folder", "a folder that exists", f"correct {option}", path=folder)
