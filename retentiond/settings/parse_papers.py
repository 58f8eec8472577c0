"""The papers of register.yml: the Management Board's approvals, signs and impact assessments."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from retentiond.domain.papers import About, Assessment, BoardApproval, Papers, Sign
from retentiond.domain.register import ALWAYS, FOREVER
from retentiond.domain.validity import Validity
from retentiond.settings import keys, scalars
from retentiond.settings.entry_dates import Dates
from retentiond.settings.fields import Section, Value

_REFERENCE = "write the number of the decision, such as MB-2026-04"


@dataclass(slots=True)
class _Approval:
    """An approval while devices that name it are still to come."""

    item: Value
    reference: str
    signatory: str
    audio: bool
    validity: Validity
    devices: set[str] = field(default_factory=set)
    rooms: frozenset[str] = frozenset()


class PaperReader:
    """Reads papers. Approvals come first, since devices name them; the rest needs the devices' ids."""

    def __init__(self, dates: Dates, rooms: frozenset[str]) -> None:
        self._dates = dates
        self._rooms = rooms
        self._approvals: dict[str, _Approval] = {}
        self._at_devices: list[BoardApproval] = []
        self._mentioned: list[tuple[Value, str]] = []
        self._listed = False

    def read_approvals(self, top: Section) -> None:
        """Read `approvals`."""
        value = top.get("approvals")
        self._listed = value is not None
        for item in value.items_or_none() if value is not None else ():
            section = item.section(keys.APPROVAL)
            approval = self._approval(item, section)
            devices, rooms = self._scope(section)
            if approval is None:
                continue
            if approval.reference in self._approvals:
                item.wrong(f"the approval {approval.reference!r} is there twice; keep one")
            approval.devices, approval.rooms = set(devices), rooms
            self._approvals.setdefault(approval.reference, approval)

    def at_device(self, value: Value, device: str | None) -> None:
        """Read the `approval` of a device: the reference of one that is listed, or one of its own."""
        if value.is_mapping:
            own = self._approval(value, value.section(keys.OWN_APPROVAL))
        else:
            reference = value.parsed(scalars.parse_text)
            if reference is None:
                return
            if reference in self._approvals:
                self._approvals[reference].devices |= {device} if device is not None else set()
                return
            if self._listed:
                value.wrong(f"{reference!r} is none of `approvals`; write the reference of one, or add it there")
            own = _Approval(value, reference, "", audio=False, validity=Validity())
        if own is None:
            return
        if own.reference in self._approvals:
            value.wrong(f"{own.reference!r} stands in `approvals` already; write only: approval: {own.reference}")
        scope = About(devices=frozenset({device} if device is not None else ()))
        self._at_devices.append(BoardApproval(own.reference, own.signatory, scope, own.audio, own.validity))

    def read(self, top: Section, devices: frozenset[str]) -> Papers:
        """Read the rest, and return all papers."""
        signs, assessments = self._signs(top.get("signs")), self._assessments(top.get("dpias"))
        demanded = top.get("demands")
        demands = demanded.parsed_items(scalars.parse_demand) if demanded is not None else ()
        for item, device in self._mentioned:
            if device not in devices:
                item.wrong(f"{device!r} is no device of this register; write the id of one")
        return Papers((*self._listed_approvals(), *self._at_devices), signs, assessments, frozenset(demands))

    def _listed_approvals(self) -> Sequence[BoardApproval]:
        found = []
        for draft in self._approvals.values():
            if not draft.devices and not draft.rooms:
                draft.item.wrong("is about nothing; write `devices` or `rooms`, or name it at a device")
            scope = About(frozenset(draft.devices), draft.rooms)
            found.append(BoardApproval(draft.reference, draft.signatory, scope, draft.audio, draft.validity))
        return found

    # --- one paper --------------------------------------------------------------------------------------------

    def _approval(self, item: Value, section: Section) -> _Approval | None:
        reference = section.need_parsed("reference", scalars.parse_text, _REFERENCE)
        signatory = section.read("signatory", scalars.parse_text, "")
        audio = section.read_flag("audio", default=False)
        validity = self._span(section)
        _check_note(section)
        return None if reference is None else _Approval(item, reference, signatory, audio, validity)

    def _span(self, section: Section) -> Validity:
        """Return the span of a decision; unless it says otherwise it begins on its date."""
        decided = section.read("date", self._day, ALWAYS, dates=True)
        return self._dates.span(section, "from", "to", decided)

    def _day(self, text: str) -> datetime:
        scalars.parse_day(text)
        return self._dates.moment(text)

    def _signs(self, value: Value | None) -> tuple[Sign, ...]:
        found: dict[str, Sign] = {}
        for item in value.items_or_none() if value is not None else ():
            section = item.section(keys.SIGN)
            ident = section.need_parsed("id", scalars.parse_ident, "write one that never changes, such as sign-1")
            rooms = section.need("rooms", "write the ids of the rooms that it speaks of")
            named = self._rooms_in(rooms) if rooms is not None else frozenset()
            audio = section.read_flag("audio", default=False)
            validity = self._dates.span(section, "from", "to")
            review = self._dates.read(section, "review", FOREVER)
            _check_note(section)
            if ident is None:
                continue
            if ident in found:
                item.wrong(f"the sign {ident!r} is there twice; give each sign an id of its own")
            found.setdefault(ident, Sign(ident, named, audio, validity, review))
        return tuple(found.values())

    def _assessments(self, value: Value | None) -> tuple[Assessment, ...]:
        found: dict[str, Assessment] = {}
        for item in value.items_or_none() if value is not None else ():
            section = item.section(keys.DPIA)
            reference = section.need_parsed("reference", scalars.parse_text, "write its number, such as DPIA-2026-1")
            devices, rooms = self._scope(section)
            validity = self._span(section)
            review = self._dates.read(section, "review", FOREVER)
            _check_note(section)
            if not {"devices", "rooms"} & set(section.values):
                item.wrong("is about nothing; write `devices` or `rooms`")
            if reference is None:
                continue
            if reference in found:
                item.wrong(f"the assessment {reference!r} is there twice; keep one")
            scope = About(frozenset(devices), rooms)
            found.setdefault(reference, Assessment(reference, scope, validity, review))
        return tuple(found.values())

    # --- what it is about -------------------------------------------------------------------------------------

    def _scope(self, section: Section) -> tuple[list[str], frozenset[str]]:
        value, rooms = section.get("devices"), section.get("rooms")
        devices: list[str] = []
        for item in value.items(else_="; leave the key out for none") if value is not None else ():
            device = item.text()
            if device is not None:
                self._mentioned.append((item, device))
                devices.append(device)
        return devices, self._rooms_in(rooms) if rooms is not None else frozenset()

    def _rooms_in(self, value: Value) -> frozenset[str]:
        found = set()
        for item in value.items(else_="; leave the key out for none"):
            room = item.text()
            if room is not None and room not in self._rooms:
                item.wrong(f"{room!r} is no room of this register; write the id of one, or add it to `rooms`")
            elif room is not None:
                found.add(room)
        return frozenset(found)


def _check_note(section: Section) -> None:
    note = section.get("note")
    if note is not None:
        note.prose()
