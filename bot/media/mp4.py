"""Length and size of a film, from the boxes of its file (ISO/IEC 14496-12). Reads only its `moov` box."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOOV_MOST = 16 * 1024 * 1024  # bytes: an index of hours of film
BOXES_MOST = 1000


@dataclass(frozen=True, slots=True)
class Facts:
    """As it is shown: a turned film has its sides swapped. Pixels and seconds; None where nothing says so."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None


def read_facts(file: BinaryIO) -> Facts:
    """The facts of an open file; empty ones where the file is damaged."""
    try:
        moov = _moov(file)
        return _facts(moov) if moov is not None else Facts()
    except struct.error:  # a box that ends too early
        return Facts()


def _moov(file: BinaryIO) -> bytes | None:
    at = 0
    for _ in range(BOXES_MOST):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return None
        size, skip = struct.unpack(">I", head[:4])[0], 8
        if size == 1:  # the size stands behind the name
            size, skip = struct.unpack(">Q", head[8:16])[0], 16
        if head[4:8] == b"moov":
            body = size - skip if size else MOOV_MOST
            file.seek(at + skip)
            return file.read(body) if 0 < body <= MOOV_MOST else None
        if size < skip:  # zero: up to the end of the file
            return None
        at += size
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        if size < 8:
            return
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size


def _facts(moov: bytes) -> Facts:
    duration: float | None = None
    sides: tuple[int, int] | None = None
    for name, body in _boxes(moov):
        if name == b"mvhd":
            duration = _duration(body)
        elif name == b"trak" and sides is None:
            sides = next((_sides(inner) for kind, inner in _boxes(body) if kind == b"tkhd"), None)
    width, height = sides or (None, None)
    return Facts(width, height, duration)


def _duration(mvhd: bytes) -> float | None:
    long = mvhd[:1] == b"\x01"
    scale, length = struct.unpack(">IQ", mvhd[20:32]) if long else struct.unpack(">II", mvhd[12:20])
    unknown = length == (2**64 - 1 if long else 2**32 - 1)
    return None if unknown or not scale or not length else length / scale


def _sides(tkhd: bytes) -> tuple[int, int] | None:
    """Of a track that is seen; None for sound."""
    start = 52 if tkhd[:1] == b"\x01" else 40
    matrix = struct.unpack(">9i", tkhd[start : start + 36])
    width, height = (side >> 16 for side in struct.unpack(">II", tkhd[start + 36 : start + 44]))
    if not width or not height:
        return None
    turned = matrix[0] == 0 and matrix[4] == 0 and matrix[1] != 0
    return (height, width) if turned else (width, height)
