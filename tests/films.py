"""Films for tests: their boxes, with nothing in them to see."""

from __future__ import annotations

import struct


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def film(
    seconds: float = 12.5, width: int = 1920, height: int = 1080, *, turned: bool = False, last: bool = False
) -> bytes:
    """A film's boxes; `last`: its index stands at the end, as cameras write it."""
    mvhd = box(b"mvhd", bytes(12) + struct.pack(">II", 1000, round(seconds * 1000)) + bytes(80))
    one = 0x10000
    matrix = (0, one, 0, -one, 0, 0, 0, 0, 1 << 30) if turned else (one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    sound = box(b"trak", box(b"tkhd", bytes(40) + struct.pack(">9i", *matrix) + struct.pack(">II", 0, 0)))
    sides = struct.pack(">II", width << 16, height << 16)
    seen = box(b"trak", box(b"tkhd", bytes(40) + struct.pack(">9i", *matrix) + sides))
    moov, mdat = box(b"moov", mvhd + sound + seen), box(b"mdat", bytes(2_000_000))
    return box(b"ftyp", b"isom" + bytes(12)) + (mdat + moov if last else moov + mdat)
