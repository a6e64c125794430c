"""Names of files that are made of a template: safe on every system, and no two alike."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping

from dpe_toolkit.core.errors import OptionsError, nearest_names

__all__ = ["FIELDS", "file_names"]

FIELDS = ("shot", "id", "source", "timeline")
_LONGEST = 120
_UNSAFE = re.compile(r"[^\w.-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def file_names(template: str, shots: Iterable[Mapping[str, str]]) -> list[str]:
    """A name for each shot, without a folder.

    Args:
        template: text with ``{shot}``, ``{id}``, ``{source}`` and ``{timeline}`` in it.
        shots: the values of these for each shot; what no file name should hold becomes ``_``.

    Raises:
        OptionsError: the template cannot be read, or two shots would have one name.
    """
    fields = _fields(template)
    named: dict[str, list[str]] = {}
    names = []
    for values in shots:
        name = template.format_map({field: _safe(values[field]) for field in fields})
        name = name[:_LONGEST].strip(". ")
        if not name or _RESERVED.fullmatch(name):
            name = f"_{name}"
        names.append(name)
        # Windows and macOS take names that differ in case alone for one.
        named.setdefault(name.casefold(), []).append(values["shot"])
    for name, users in named.items():
        if len(users) > 1:
            raise OptionsError(
                f"shots {', '.join(map(repr, users))} would all be written to {name!r}",
                "a name of its own for each shot",
                "put {shot} or {id} into --template",
            )
    return names


def _fields(template: str) -> list[str]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise OptionsError(
            f"--template {template!r} cannot be read: {error}", "text with {shot} or {id} in it"
        ) from error
    fields = [field for _, field, _, _ in parsed if field is not None]
    for field, (_, _, style, conversion) in zip(fields, (one for one in parsed if one[1] is not None), strict=True):
        if field not in FIELDS:
            known = nearest_names(field, FIELDS)
            raise OptionsError(f"--template has a field {field!r}, which is none", known, "correct the template")
        if style or conversion:
            raise OptionsError(
                f"--template says how {field!r} is to be formatted", f"{{{field}}} alone", "correct the template"
            )
    if any(_UNSAFE.search(literal) for literal, _, _, _ in parsed):
        raise OptionsError(
            f"--template {template!r} holds what no file name should",
            "letters, digits, '_', '-' and '.'",
            "correct the template; the folder goes to --per-shot",
        )
    return fields


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text.replace("#", "-")).strip("_") or "_"
