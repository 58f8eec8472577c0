"""Whether the papers that the controller demands are there, in force, and looked at in time (design rule 9)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.papers import Assessment, BoardApproval, Demand, Papers
from retentiond.domain.register import Device, Register
from retentiond.domain.validity import day_text

_Paper = TypeVar("_Paper", bound=BoardApproval | Assessment)
_Filed: TypeAlias = Mapping[tuple[str, str | None], Sequence[_Paper]]
_DEVICE, _ROOM = "device", "room"


def check_papers(register: Register, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the papers of the devices that are here at `now`.

    A paper that is missing matters where the controller demands it; one that was there and has run out always does.
    """
    papers = register.papers
    approvals, assessments = _file(papers.approvals), _file(papers.assessments)
    sound_in: dict[str, bool] = {}
    for device in register.devices:
        if not device.is_here(now):
            continue
        room = device.room_at(now)
        yield from _check_approvals(device, _about(approvals, device, room), papers.demands, now)
        if Demand.DPIA in papers.demands and not _in_force(_about(assessments, device, room), now):
            yield _without_assessment(device)
        if room is not None:
            sound_in[room] = sound_in.get(room, False) or device.hears(now)
    if Demand.SIGN in papers.demands:
        yield from _check_signs(papers, sound_in, now)
    yield from _check_reviews(papers, now)


def _file(papers: Iterable[_Paper]) -> _Filed[_Paper]:
    """File papers by what they are about, so that none is looked at for a device that it does not name."""
    filed: dict[tuple[str, str | None], list[_Paper]] = {}
    for paper in papers:
        for device in paper.about.devices:
            filed.setdefault((_DEVICE, device), []).append(paper)
        for room in paper.about.rooms:
            filed.setdefault((_ROOM, room), []).append(paper)
    return filed


def _about(filed: _Filed[_Paper], device: Device, room: str | None) -> list[_Paper]:
    return [*filed.get((_DEVICE, device.ident), ()), *filed.get((_ROOM, room), ())]


def _in_force(papers: Iterable[_Paper], now: datetime) -> list[_Paper]:
    return [paper for paper in papers if paper.validity.holds_at(now)]


# --- approvals ------------------------------------------------------------------------------------------------


def _check_approvals(
    device: Device, papers: Sequence[BoardApproval], demands: frozenset[Demand], now: datetime
) -> Iterator[Finding]:
    in_force = _in_force(papers, now)
    if not in_force:
        yield from _without_approval(device, papers, "", now, demanded=Demand.APPROVAL in demands)
    elif device.hears(now) and not any(paper.audio for paper in in_force):
        yield from _without_approval(device, [paper for paper in papers if paper.audio], "sound", now, demanded=True)


def _without_approval(
    device: Device, papers: Sequence[BoardApproval], what: str, now: datetime, *, demanded: bool
) -> Iterator[Finding]:
    """Yield what there is to say of a device that no paper in force allows; `papers` are those that once did."""
    subject = f"{device.ident} / {what}" if what else device.ident
    records = f"records {what}" if what else "records"
    ended = [paper for paper in papers if paper.validity.until <= now]
    if ended:
        last = max(ended, key=lambda paper: paper.validity.until)
        yield finding(
            FindingKind.APPROVAL_EXPIRED,
            subject,
            f"{device.title} {records}, and its approval {last.reference!r} ended on {day_text(last.validity.until)}",
            f"get a new approval and write it into `approvals`, or switch {what or 'the device'} off",
            facts=f"{last.reference} {day_text(last.validity.until)}",
        )
    elif demanded:
        yield finding(
            FindingKind.APPROVAL_MISSING,
            subject,
            f"{device.title} {records}, and no approval in the register allows it",
            f"write the decision that allows it into `approvals`, or switch {what or 'the device'} off",
        )


# --- signs and assessments ------------------------------------------------------------------------------------


def _check_signs(papers: Papers, sound_in: Mapping[str, bool], now: datetime) -> Iterator[Finding]:
    """Yield the rooms with a device and without a sign, and those where the sign does not speak of sound."""
    signed: dict[str, bool] = {}
    for sign in papers.signs:
        if sign.validity.holds_at(now):
            for room in sign.rooms:
                signed[room] = signed.get(room, False) or sign.audio
    for room, sound in sound_in.items():
        if room not in signed:
            yield finding(
                FindingKind.SIGN_MISSING,
                room,
                f"room {room!r} is recorded, and the register has no sign for it",
                "put up a sign that people read before they enter, and write it into `signs`",
            )
        elif sound and not signed[room]:
            yield finding(
                FindingKind.SIGN_MISSING,
                f"{room} / sound",
                f"sound is recorded in room {room!r}, and no sign there says so",
                "put up a sign that says so and write `audio: true` at it, or switch sound off",
            )


def _without_assessment(device: Device) -> Finding:
    return finding(
        FindingKind.DPIA_MISSING,
        device.ident,
        f"{device.title} is in no impact assessment of the register",
        "make the assessment (Art. 35 GDPR), and write its reference into `dpias`",
    )


def _check_reviews(papers: Papers, now: datetime) -> Iterator[Finding]:
    for sign in papers.signs:
        if sign.validity.holds_at(now) and now >= sign.review:
            yield finding(
                FindingKind.SIGN_REVIEW_DUE,
                sign.ident,
                f"somebody was to look at the sign {sign.ident!r} by {day_text(sign.review)}",
                "go and see that it hangs there and says what is true; then write the next date as its `review`",
                facts=day_text(sign.review),
            )
    for paper in papers.assessments:
        if paper.validity.holds_at(now) and now >= paper.review:
            yield finding(
                FindingKind.DPIA_REVIEW_DUE,
                paper.reference,
                f"the impact assessment {paper.reference!r} was to be looked at again by {day_text(paper.review)}",
                "review it; then write the next date as its `review`",
                facts=day_text(paper.review),
            )
