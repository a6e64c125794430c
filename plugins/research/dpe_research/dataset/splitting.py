"""Which split an identity belongs to."""

from __future__ import annotations

import hashlib

from dpe_research.dataset.index import Split

__all__ = ["split_of"]


def split_of(identity: str, test_share: float) -> Split:
    """The split of everything that shows this person, whoever else is in the dataset.

    Args:
        identity: who it is.
        test_share: share of identities, in [0, 1], that are held out.
    """
    number = int.from_bytes(hashlib.sha256(f"split/1:{identity}".encode()).digest()[:8], "big")
    return "test" if number < test_share * 2**64 else "train"
