"""Sealing everything again with the first key, so that older keys can go.

In batches, each a transaction of its own: it can be stopped and started again at any time. A value is
replaced only where still exactly that stands which was read, so a token that is renewed meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.errors import Refused
from storage import engine, rotation
from storage.crypto import CryptoError, Vault
from storage.database import Database
from storage.models import Process
from storage.rotation import Sealed
from storage.spool import Spool

BATCH = 200


@dataclass(frozen=True, slots=True)
class Rotated:
    """What one run did: values by column, values that no key opens, keys that nothing needs any more, and
    how many values other keys still hold (by key id)."""

    resealed: dict[str, int]
    unreadable: int
    dropped: tuple[str, ...]
    left: dict[str, int]


async def rotate(db: Database, vault: Vault, spool: Spool, *, batch: int = BATCH) -> Rotated:
    """Re-encrypts every sealed value with the vault's first key.

    Raises Refused while a living process lacks that key, or while an answer waits in the spool."""
    await _demand_ready(db, vault, spool)
    resealed: dict[str, int] = {}
    unreadable = 0
    for sealed in rotation.SEALED:
        done, bad = await _column(db, vault, sealed, batch)
        resealed[sealed.name] = done
        unreadable += bad
    async with db.write() as session:
        processes = await rotation.living(session, await db.lease_now(session))
        firsts = {process.key_ids[0] for process in processes if process.key_ids}
        dropped = await rotation.forget_unused(session, frozenset({vault.current, *firsts}))
        left = {key: count for key, count in (await rotation.in_use(session)).items() if key != vault.current}
    return Rotated(resealed, unreadable, tuple(dropped), left)


async def _demand_ready(db: Database, vault: Vault, spool: Spool) -> None:
    """Notes the first key as needed, where nothing speaks against it: from here on nobody starts without."""
    async with db.write() as session:
        now = await db.lease_now(session)
        _demand_keys(vault, await rotation.living(session, now), await rotation.missing(session, vault))
        if any(True for _ in spool.waiting()):
            raise Refused(
                "Nothing was changed: an answer waits in the spool. Start the bot once, so that it is stored."
            )
        await engine.check_keys(session, vault, now)


def _demand_keys(vault: Vault, processes: Sequence[Process], missing: Sequence[str]) -> None:
    lacking = sorted(process.id for process in processes if vault.current not in process.key_ids)
    if lacking:
        raise Refused(
            f"Nothing was changed: {len(lacking)} running process(es) do not know the key {vault.current} "
            f"({', '.join(lacking)}). Add it to LAMPLIGHTER_ENCRYPTION_KEYS there and restart them first."
        )
    if missing:
        raise Refused(
            f"Nothing was changed: LAMPLIGHTER_ENCRYPTION_KEYS lacks the key {', '.join(missing)}, with "
            "which data here was sealed. Keep the old keys in the list until this command is done."
        )


async def _column(db: Database, vault: Vault, sealed: Sealed, batch: int) -> tuple[int, int]:
    """One column from its first row to its last: (sealed again, not readable)."""
    after, done, bad = "", 0, 0
    while True:
        async with db.write() as session:
            found = await rotation.others(session, sealed, vault.current, after, batch)
            for item in found:
                try:
                    text = vault.open(item.text, item.place)
                except CryptoError:
                    bad += 1
                    continue
                done += await rotation.replace(session, sealed, item, vault.seal(text, item.place))
        if len(found) < batch:
            return done, bad
        after = found[-1].row_id
