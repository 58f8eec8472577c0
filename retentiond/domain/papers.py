"""The papers that stand behind a device: the Management Board's consent, signs, and impact assessments (design rule 9).

They are declarations. What can be checked is that they exist, are dated, and agree with the register.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from retentiond.domain.validity import ANY_TIME, FOREVER, Validity


class Demand(StrEnum):
    """What the controller wants every device to have."""

    APPROVAL = "approval"
    SIGN = "sign"
    DPIA = "dpia"


@dataclass(frozen=True, slots=True)
class About:
    """What a paper is about: devices by their ids, and every device in a room by the room's id."""

    devices: frozenset[str] = frozenset()
    rooms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BoardApproval:
    """The written consent to a recording: the decision's number, and who signed it, by office and never by name.

    Attributes:
        audio: it allows sound as well.
        validity: from when until when it allows anything.
    """

    reference: str
    signatory: str
    about: About
    audio: bool
    validity: Validity = ANY_TIME


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that tells people, before they enter, that a room is recorded. `audio`: it says so of sound as well.

    From `review` on somebody has to go and look whether it still hangs there.
    """

    ident: str
    rooms: frozenset[str]
    audio: bool
    validity: Validity = ANY_TIME
    review: datetime = FOREVER


@dataclass(frozen=True, slots=True)
class Assessment:
    """A data-protection impact assessment (Art. 35 GDPR), and when it has to be looked at again."""

    reference: str
    about: About
    validity: Validity = ANY_TIME
    review: datetime = FOREVER


@dataclass(frozen=True, slots=True)
class Papers:
    """All papers, and which of them the controller demands of every device."""

    approvals: tuple[BoardApproval, ...] = ()
    signs: tuple[Sign, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    demands: frozenset[Demand] = frozenset()


NO_PAPERS = Papers()
