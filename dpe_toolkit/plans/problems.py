"""What is wrong with a plan, or worth knowing of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Frozen", "Problem"]


class Frozen(BaseModel):
    """Base of every model of a plan: frozen, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Problem(Frozen):
    """One thing that is wrong, or worth knowing, with a plan."""

    severity: Literal["error", "warning"] = "error"
    where: str = ""
    """Clip, track or file concerned."""
    wrong: str
    expected: str = ""
    action: str = ""

    def __str__(self) -> str:
        text = " ".join(part.rstrip(".") + "." for part in (self.wrong, self.expected, self.action) if part)
        return f"{self.where}: {text}" if self.where else text
