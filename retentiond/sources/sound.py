"""The source `sound`: what this host itself can record sound with, as the kernel lists it (ALSA, /proc/asound)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, StoreName
from retentiond.ports import SourceReading, Unreached
from retentiond.sources.shown import shown

CARDS = Path("/proc/asound")


@dataclass(frozen=True, slots=True)
class SoundSource:
    """`DeviceSource` over the sound cards of this host. A device that records is named `CARD/NUMBER`, as `PCH/0`.

    The card's id stays the same when cards are found in another order. A kernel without sound has none.
    """

    name: StoreName
    cards: Path = CARDS

    @property
    def kind(self) -> str:
        return "sound"

    def read(self) -> SourceReading:
        try:
            return SourceReading(tuple(self._captures()), complete=True)
        except OSError as error:
            why = f"{self.cards} cannot be read ({error.strerror}); give the daemon the right to read it"
            return SourceReading(unreached=(Unreached("all", why),))

    def _captures(self) -> Iterator[SeenDevice]:
        if not self.cards.exists():
            return
        for info in sorted(self.cards.glob("card[0-9]*/pcm*c/info")):
            card = shown((info.parents[1] / "id").read_text(encoding="utf-8", errors="replace"))
            told = dict(re.findall(r"^(\w+): *(.*)$", info.read_text(encoding="utf-8", errors="replace"), re.MULTILINE))
            what = f"it can record from {shown(told.get('name') or told.get('id', ''))!r}"
            yield SeenDevice(
                self.name,
                CameraName(f"{card}/{shown(told.get('device', '?'))}"),
                "the sound cards of this host",
                records_audio=True,
                sound=what,
                noun="microphone",
                where="source",
            )
