"""Distributions of strangers, laid out as pip lays them out, to be put on the path of a process."""

from __future__ import annotations

from pathlib import Path

GOOD = """
from dpe_toolkit.api import Component, NoOptions, hookimpl

DPE_API_VERSION = 1


class Whole:
    def composite(self, source, edited):
        from dpe_toolkit.api import Composited

        return Composited(edited.pixels, edited.pixels[:, :1] * 0 + 1)


@hookimpl
def dpe_register_compositors():
    create = lambda options, context: Whole()
    return [Component(kind="compositor", name="NAME", summary="All of it.", create=create, options=NoOptions)]
"""

FAULTY: dict[str, tuple[str, str]] = {
    "no_import": ("import left_pad\n", "ModuleNotFoundError: No module named 'left_pad'"),
    "no_syntax": ("def broken(:\n", "SyntaxError: "),
    "other_api": (GOOD.replace("VERSION = 1", "VERSION = 7"), "it was written for plugin API 7. API 1"),
    "misspelt": (GOOD.replace("dpe_register_compositors", "dpe_register_compositor"), "dpe_register_compositor"),
    "raises": (GOOD.replace("create = lambda options, context: Whole()", "1 / 0"), "ZeroDivisionError: division by"),
    "exits": ("import sys\nsys.exit('goodbye')\n", "SystemExit: goodbye"),
    "wrong_kind": (
        GOOD.replace('kind="compositor"', 'kind="detector"'),
        "list of compositors holds 'NAME', a detector",
    ),
    "bad_options": (
        GOOD.replace("NAME", "odd").replace("options=NoOptions", "options=dict"),
        "options of compositor 'odd' are <class 'dict'>",
    ),
    "no_attribute": (GOOD, "AttributeError: module 'no_attribute' has no attribute 'missing'"),
}
"""Name of the plugin to its code and what a listing says of it."""

CLASHING: dict[str, tuple[str, str]] = {
    one: (
        GOOD.replace("NAME", "twin"),
        f"compositor 'twin' is registered by '{other}' too; ask for it as '{one}:twin'",
    )
    for one, other in (("twin_one", "twin_two"), ("twin_two", "twin_one"))
}
"""The same for plugins that work, and claim a name that another claims."""

AT_RUN_TIME = GOOD.replace("NAME", "sleeper").replace(
    "from dpe_toolkit.api import Composited\n", 'raise RuntimeError("out of memory on Mars")\n'
)


def install(site: Path, name: str, code: str, target: str = "") -> None:
    """Puts a distribution into a folder: its module, and what announces it."""
    (site / f"{name}.py").write_text(code, encoding="utf-8")
    info = site / f"{name.replace('_', '')}-3.1.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.4\nName: {name.replace('_', '')}\nVersion: 3.1\nLicense-Expression: MIT\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[dpe_toolkit.plugins]\n{name} = {target or name}\n", encoding="utf-8")
