"""Heads of the trail that a Prometheus has scraped: what this machine cannot take back.

Size and root come from one snapshot, so all samples of one scrape bear one timestamp and belong together. They are read
raw, by range selectors: a query that evaluates at steps of its own could mix two scrapes. A store that keeps averages
instead of samples has no roots any more, which is said and not taken for damage.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from retentiond.audit.head import Attested
from retentiond.domain import instants
from retentiond.domain.errors import AuditDamagedError, UnreachableError, UsageError
from retentiond.domain.names import visible
from retentiond.domain.root_words import ROOT_WORDS, root_of_words
from retentiond.web.ask import Limits, Question, ask

SIZE = "retentiond_audit_tree_size"
WORD = "retentiond_audit_root_word"
INFO = "retentiond_audit_info"
WINDOW = timedelta(hours=6)
LIMITS = Limits(seconds=60.0, size_bytes=64 << 20)
"""Six hours of a scrape each second are about 4 MiB; a server that gathers many trails sends more."""

_DAY = timedelta(days=1)
_MOST_EXACT = 1 << 53


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is asked for: heads of one trail that were scraped after `begin` and until `end`."""

    origin: str
    begin: datetime
    end: datetime


def scraped_heads(url: str, span: Span) -> list[Attested]:
    """Return the heads of a trail that the Prometheus at `url` has, the oldest first, each size once.

    Args:
        url: the address of its web interface, as http://127.0.0.1:9090.
        span: of which trail, and of which time.

    Raises:
        UsageError: the address makes no sense, or there are no heads of this trail, or averages instead of samples.
        UnreachableError: no answer that can be understood.
        AuditDamagedError: two different trees of the same size were scraped.
    """
    found = _Heads(span.origin)
    for begin in _windows(url, span):
        selector = f'{{__name__=~"{SIZE}|{WORD}|{INFO}"}}[{int(WINDOW.total_seconds())}s]'
        found.add(_query(url, "query", query=selector, time=_stamp(min(begin + WINDOW, span.end))))
    if not found.by_size:
        raise UsageError(
            f"the Prometheus at {url} has no head of the audit trail {span.origin!r} since "
            f"{instants.to_text(span.begin)}; see whether it scrapes this daemon, and for how long it keeps samples"
        )
    return [found.by_size[size] for size in sorted(found.by_size)]


def _windows(url: str, span: Span) -> Iterator[datetime]:
    """Yield where to begin to look: only days are asked for of which there are samples."""
    days = max((span.end - span.begin) // _DAY + 1, 1)
    begin = span.end - days * _DAY
    counted = _query(
        url,
        "query_range",
        query=f"count_over_time({SIZE}[{int(_DAY.total_seconds())}s])",
        start=_stamp(begin + _DAY),
        end=_stamp(span.end),
        step=str(int(_DAY.total_seconds())),
    )
    ends = {float(at) for series in counted for at, _ in _pairs(series)}
    for number in range(days):
        day = begin + number * _DAY
        if any(abs(at - (day + _DAY).timestamp()) < 1 for at in ends):
            yield from (day + part * WINDOW for part in range(_DAY // WINDOW))


@dataclass(slots=True)
class _Heads:
    """The heads of one trail, put together from samples of one scrape each."""

    origin: str
    by_size: dict[int, Attested] = field(default_factory=dict)

    def add(self, answer: Collection[Mapping[str, Any]]) -> None:
        """Take in raw samples: series with their labels, and pairs of a time and a number."""
        scrapes: dict[tuple[tuple[tuple[str, str], ...], float], dict[str, str]] = {}
        for series in answer:
            labels = series.get("metric")
            if not isinstance(labels, dict):
                raise _unreadable()
            scraped = tuple(sorted((k, str(v)) for k, v in labels.items() if k not in {"__name__", "word", "origin"}))
            name = str(labels.get("__name__"))
            key = f"{name} {labels.get('word')}" if name == WORD else name
            for at, value in _pairs(series):
                scrapes.setdefault((scraped, at), {})[key] = str(labels.get("origin")) if name == INFO else value
        for (_, at), samples in sorted(scrapes.items(), key=lambda item: item[0][1]):
            if samples.get(INFO) == self.origin:
                self._add(at, samples)

    def _add(self, at: float, samples: Mapping[str, str]) -> None:
        words = [samples.get(f"{WORD} {index}") for index in range(ROOT_WORDS)]
        size = samples.get(SIZE)
        if size is None or None in words:
            return  # a scrape of which not all was kept
        try:
            head = (_whole(size), root_of_words([_whole(word) for word in words if word is not None]))
        except ValueError as error:
            raise UsageError(
                f"a sample of the audit trail is no whole number ({visible(str(error))[:80]}); ask a Prometheus that "
                "keeps raw samples, and not averages of them"
            ) from error
        scraped_at = datetime.fromtimestamp(at, UTC)
        known = self.by_size.setdefault(
            head[0], Attested(f"Prometheus (scraped {instants.to_text(scraped_at)})", *head)
        )
        if known.root != head[1]:
            raise AuditDamagedError(
                f"two different audit trails of {head[0]} records were scraped: {known.name}, and at "
                f"{instants.to_text(scraped_at)}; one of them was written anew"
            )


def _query(url: str, what: str, **parameters: str) -> list[Mapping[str, Any]]:
    """Ask the HTTP API, and return the series of the answer."""
    address = f"{url.rstrip('/')}/api/v1/{what}?{urlencode(parameters)}"
    answer = ask(Question(url=address), LIMITS)
    try:
        fields = json.loads(answer.body)
        if answer.status != 200 or fields["status"] != "success":
            said = visible(str(fields.get("error", "")))[:200]
            raise UnreachableError(f"{url}: the Prometheus refuses (status {answer.status}): {said}")
        result = fields["data"]["result"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreachableError(f"{url}: this is no answer of a Prometheus (status {answer.status})") from error
    if not isinstance(result, list) or not all(isinstance(series, dict) for series in result):
        raise _unreadable()
    return result


def _pairs(series: Mapping[str, Any]) -> Iterator[tuple[float, str]]:
    try:
        for at, value in series["values"]:
            yield float(at), str(value)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable() from error


def _whole(text: str) -> int:
    """Return the whole number that a sample is. Raises ValueError."""
    value = float(text)
    if not 0 <= value < _MOST_EXACT or value != int(value):
        raise ValueError(text)
    return int(value)


def _stamp(instant: datetime) -> str:
    return f"{instant.timestamp():.3f}"


def _unreadable() -> UnreachableError:
    return UnreachableError("the answer of the Prometheus cannot be read; is it of version 2 or later?")
