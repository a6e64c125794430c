"""H.264 packets as files store them: each unit behind its length, and what an encoder gives, behind start codes.

Source: ITU-T H.264, Annex B and 7.3; ISO/IEC 14496-15, 5.3 (the decoder configuration record).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["free_parameter_id", "has_idr", "length_prefixed", "nal_length_size", "parameter_ids"]

_START = re.compile(rb"\x00\x00\x01")
_IDR, _DELIMITER = 5, 9
_MOST_IDS = 32


def nal_length_size(extradata: bytes) -> int:
    """Bytes of the length before each unit, 0 where packets are stored with start codes."""
    return (extradata[4] & 3) + 1 if len(extradata) > 6 and extradata[0] == 1 else 0


def has_idr(packet: bytes) -> bool:
    """Whether a packet with lengths of four bytes holds an IDR picture, before which nothing is referred to."""
    at = 0
    while at + 5 <= len(packet):
        if packet[at + 4] & 31 == _IDR:
            return True
        at += 4 + int.from_bytes(packet[at : at + 4], "big")
    return False


def parameter_ids(extradata: bytes) -> list[int]:
    """The numbers of the sequence parameter sets in a configuration record."""
    found, at = [], 6
    for _ in range(extradata[5] & 31 if len(extradata) > 6 else 0):
        size = int.from_bytes(extradata[at : at + 2], "big")
        unit = extradata[at + 2 : at + 2 + size].replace(b"\x00\x00\x03", b"\x00\x00")
        found.append(_unsigned(unit[4:]))
        at += 2 + size
    return found


def free_parameter_id(extradata: bytes) -> int:
    """A number that none of the record's sequence parameter sets has."""
    taken = set(parameter_ids(extradata))
    return next(number for number in range(1, _MOST_IDS) if number not in taken)


def length_prefixed(packet: bytes) -> bytes:
    """A packet with start codes as one with lengths of four bytes; access unit delimiters are left out."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in _units(packet) if unit[0] & 31 != _DELIMITER)


def _units(packet: bytes) -> Iterator[bytes]:
    ends = [(match.start(), match.end()) for match in _START.finditer(packet)]
    for number, (_, begin) in enumerate(ends):
        stop = ends[number + 1][0] if number + 1 < len(ends) else len(packet)
        unit = packet[begin:stop].rstrip(b"\x00") if number + 1 < len(ends) else packet[begin:stop]
        if unit:
            yield unit


def _unsigned(data: bytes) -> int:
    """The first number of a bit string in Exp-Golomb code."""
    bits = "".join(f"{byte:08b}" for byte in data[:8])
    zeros = bits.index("1")
    return int(bits[zeros : 2 * zeros + 1], 2) - 1
