"""The oldest versions that the distributions say they work with."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

__all__ = ["floors", "lowest"]


def floors(lines: Iterable[str], python: str) -> dict[str, str]:
    """The highest floor of each name, among the requirements that count for a Python such as 3.12.

    Of two distributions that are installed together, the one with the higher floor decides. A requirement without a
    floor gives none.
    """
    told = {"python_version": python, "python_full_version": f"{python}.0"}
    found: dict[str, str] = {}
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate(told):
            continue
        for specifier in requirement.specifier:
            name = canonicalize_name(requirement.name)
            if specifier.operator == ">=" and Version(specifier.version) >= Version(found.get(name, "0")):
                found[name] = specifier.version
    return found


def lowest(floor: str, offered: Iterable[str]) -> str:
    """The oldest version on offer that is not below a floor; the floor itself where none is.

    What is older than a Python has no wheel for it, and building it from source tells nothing of the toolkit.
    """
    allowed = [version for version in map(Version, offered) if version >= Version(floor) and not version.is_prerelease]
    return str(min(allowed)) if allowed else floor
