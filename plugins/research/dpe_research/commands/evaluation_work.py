"""From the options of ``dpe evaluate`` to a report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dpe_research import __version__
from dpe_research.commands.evaluation_choices import (
    BaselineChoices,
    BaselineName,
    DataChoices,
    MeasureChoices,
    MethodChoices,
)
from dpe_toolkit.api import OptionsError
from dpe_toolkit.api.commands import note, print_table

if TYPE_CHECKING:
    import torch

    from dpe_research.evaluation import Group, Measures, ProtocolName, Scores
    from dpe_research.evaluation.footage import Clip, Footage
    from dpe_research.evaluation.methods import Method, NetworkMethod
    from dpe_research.evaluation.metrics import MetricInfo
    from dpe_research.evaluation.report import Report
    from dpe_toolkit.api.components import ProgressSink, Registry

__all__ = ["evaluate", "named_value", "print_summary"]

_SWEPT_PAIRS = 16
_WITH_TRUTH = ("self", "synthetic")


def evaluate(
    protocol: ProtocolName,
    groups_of: Callable[[Sequence[Clip]], Sequence[Group]],
    data: DataChoices,
    rest: tuple[MethodChoices, BaselineChoices, MeasureChoices],
) -> tuple[Report, tuple[Scores, ...]]:
    """Runs a protocol; gives its report and every number behind it.

    Raises:
        DpeError: whatever stops it, by its place in the tree.
    """
    from dpe_research.dataset import FaceDataset
    from dpe_research.evaluation import RunSettings, evaluate_groups
    from dpe_research.evaluation.report import add_paper, add_published, build_report, read_published
    from dpe_toolkit.api.commands import allowed_registry
    from dpe_toolkit.api.components import resolve_device

    chosen, baselines, measured = rest
    published = read_published(baselines.published) if baselines.published else ()
    device, registry = resolve_device(data.device), allowed_registry()
    footage: Footage = FaceDataset.open(data.data)
    groups = groups_of(_clips(footage, data))
    methods = _methods(protocol, chosen, baselines, registry, device)
    measures = _measures(measured, chosen, registry, device, data.batch_size)
    has_grid = protocol == "synthetic"
    if has_grid and measured.calibrate:
        measures = _calibrated(measures, footage, data)
    settings = RunSettings(
        batch_size=data.batch_size,
        num_worst=data.worst,
        worst_by=_worst_by(protocol, measures),
        swept_pairs=_SWEPT_PAIRS if has_grid and measures.reader is not None else 0,
        measures_spread=has_grid,
        seed=data.seed,
    )
    with _progress(data) as progress:
        outcome = evaluate_groups(footage, groups, methods, measures, settings, progress=progress)
    report = build_report(
        protocol,
        outcome,
        measures,
        data=f"{data.data.resolve().name}, {data.split} split, {len(groups)} clips or pairs",
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        tool=f"dpe_research {__version__}",
        settings=_settings(data, chosen, measures, device),
    )
    report = add_published(report, published)
    return (add_paper(report) if baselines.paper else report), tuple(outcome.scores.values())


def print_summary(report: Report) -> None:
    """Prints the tables of what was measured, then what the reader must know."""
    from dpe_research.evaluation.report import shown_value

    for table in report.tables:
        if all(row.published for row in table.rows):
            continue
        for heading in dict.fromkeys(heading for heading, _ in table.columns):
            columns = [column for name, column in table.columns if name == heading]
            rows = []
            for row in table.rows:
                cells = [row.cells.get(column.key) for column in columns]
                shown = ["-" if cell is None or cell.value is None else shown_value(cell.value) for cell in cells]
                rows.append([row.method, *shown])
            title = table.title if heading == table.title else f"{table.title}: {heading}"
            print_table(["method", *(_heading(column) for column in columns)], rows, title=title)
    for text in report.notes:
        note(text, label="note", style="yellow")


def named_value(text: str, flag: str) -> tuple[str, str]:
    """Name and value of ``NAME=VALUE``.

    Raises:
        OptionsError: one of them is missing.
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value:
        raise OptionsError(f"{flag} {text!r} names no row", f"{flag} NAME=FILE", "put a name and '=' before the file")
    return name.strip(), value


def _heading(column: MetricInfo) -> str:
    return f"{column.label}, {column.unit}" if column.unit else column.label


def _clips(footage: Footage, data: DataChoices) -> Sequence[Clip]:
    clips = footage.clips(None if data.split == "all" else data.split)
    if not clips:
        raise OptionsError(
            f"the dataset has no clips in the split {data.split!r}",
            "a split that holds clips",
            "choose another with --split",
            path=data.data,
        )
    return clips[: data.clips] if data.clips else clips


def _methods(
    protocol: str, chosen: MethodChoices, baselines: BaselineChoices, registry: Registry, device: torch.device
) -> list[Method]:
    from dpe_research.evaluation.methods import (
        FolderMethod,
        MeshMethod,
        TruePictures,
        UneditedSource,
        untrained_method,
    )
    from dpe_toolkit.api.networks import NetworkParams

    wanted = baselines.names(has_truth=protocol in _WITH_TRUTH)
    networks = list(_networks(chosen, device))
    if not networks and not chosen.results and not {BaselineName.UNTRAINED, BaselineName.MESH} & set(wanted):
        raise OptionsError(
            "no method is named",
            "weights, a folder of results, or a baseline that edits",
            "give --weights, --compare, --results or --baseline mesh",
        )
    found: list[Method] = []
    if BaselineName.TRUTH in wanted:
        found.append(TruePictures())
    if BaselineName.SOURCE in wanted:
        found.append(UneditedSource())
    if BaselineName.UNTRAINED in wanted:
        found.append(untrained_method(networks[0].params if networks else NetworkParams(), device))
    if BaselineName.MESH in wanted:
        found.append(MeshMethod(registry, device))
    folders = [FolderMethod(name or Path(value).name, Path(value)) for name, value in _folders(chosen)]
    return [*found, *folders, *networks]


def _networks(chosen: MethodChoices, device: torch.device) -> Iterator[NetworkMethod]:
    from dpe_research.evaluation.methods import load_method
    from dpe_toolkit.api.components import find_weights

    named = [named_value(text, "--compare") for text in chosen.compare or ()]
    if chosen.weights is not None:
        named.insert(0, (Path(chosen.weights).stem, chosen.weights))
    for place, (name, value) in enumerate(named):
        path = find_weights(value, folder=chosen.weights_folder, base_dir=Path.cwd())
        branch = chosen.branch if place == 0 and chosen.weights is not None else None
        yield load_method(name, path, device, branch=branch)


def _folders(chosen: MethodChoices) -> Iterator[tuple[str, str]]:
    for text in chosen.results or ():
        # A path may hold a '=' itself.
        yield ("", text) if "=" not in text or Path(text).is_dir() else named_value(text, "--results")


def _measures(
    measured: MeasureChoices, chosen: MethodChoices, registry: Registry, device: torch.device, batch_size: int
) -> Measures:
    from dpe_research.evaluation.choosing import MeasureRequest, choose_measures

    request = MeasureRequest(
        regressor=measured.regressor,
        identity=measured.identity,
        metrics=tuple(measured.metric or ()),
        lpips_net=measured.lpips_net,
        lpips_backbone=measured.lpips_backbone,
        lpips_linear=measured.lpips_linear,
        options=measured.options,
        weights_folder=chosen.weights_folder,
    )
    return choose_measures(request, registry, device, batch_size)


def _calibrated(measures: Measures, footage: Footage, data: DataChoices) -> Measures:
    """The measures with the expression calibrated, or as they are where the set has nobody to calibrate by."""
    from dpe_research.evaluation import calibrate

    found = None if measures.reader is None else calibrate(footage, measures.reader, seed=data.seed)
    if measures.reader is not None and found is None and not data.quiet:
        note(
            "the training part of the set has too few persons to calibrate expressions by; they are the regressor's own"
        )
    return measures if found is None else measures.calibrated(found)


def _worst_by(protocol: str, measures: Measures) -> MetricInfo:
    key = "psnr" if protocol in _WITH_TRUTH else "aed_expression"
    columns = (*measures.picture_columns, *measures.face_columns)
    return next(column for column in columns if column.key == key)


def _settings(data: DataChoices, chosen: MethodChoices, measures: Measures, device: torch.device) -> dict[str, str]:
    listed = {"weights": [chosen.weights], "compared": chosen.compare, "results": chosen.results}
    files = {name: ", ".join(filter(None, values or ())) for name, values in listed.items()}
    told = {
        "data": data.data.resolve().name,
        "split": data.split,
        **files,
        "regressor": measures.regressor_name if measures.reader else "",
        "identity embedder": measures.identity_name,
        "device": str(device),
        "batch size": str(data.batch_size),
        "seed": str(data.seed),
    }
    return {name: value for name, value in told.items() if value}


def _progress(data: DataChoices) -> contextlib.AbstractContextManager[ProgressSink]:
    from dpe_toolkit.api.commands import ProgressBars
    from dpe_toolkit.api.components import NO_PROGRESS

    return contextlib.nullcontext(NO_PROGRESS) if data.quiet else ProgressBars()
