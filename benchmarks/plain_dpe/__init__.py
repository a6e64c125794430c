"""The DPE network as one would first write it down, to measure the toolkit's route against."""

from __future__ import annotations

from plain_dpe.network import PlainDpe

__all__ = ["PlainDpe"]
