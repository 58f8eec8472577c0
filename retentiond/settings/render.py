"""The settings in force as YAML, with every default filled in. There is no secret in them to hide."""

import json
from collections.abc import Iterable

from retentiond.domain.period import duration_text
from retentiond.settings.values import AuditSettings, Settings, SourceSettings, StoreSettings


def render(settings: Settings) -> str:
    """Return retentiond.yml as it is in force; reading it gives the same settings."""
    lines = [
        f"controller: {_quoted(settings.controller)}",
        f"mode: {'enforce' if settings.enforcing else 'observe'}",
        "deletion_rules:",
    ]
    for rule in settings.policy.rules:
        lines.append(f"  - name: {_quoted(rule.name)}")
        lines.append(f"    categories: {_listed(sorted(rule.categories))}")
        lines.append(f"    deletion_period: {duration_text(rule.deletion_period)}")
        for key, names in (("stores", rule.stores), ("cameras", rule.cameras), ("rooms", rule.rooms)):
            if names:
                lines.append(f"    {key}: {_listed(sorted(names))}")
    lines += [f"margin: {duration_text(settings.policy.margin)}", "stores:"]
    for store in settings.stores:
        lines += _store(store)
    if settings.sources:
        lines.append("sources:")
    for source in settings.sources:
        lines += _source(source)
    grace = duration_text(settings.dispute_grace)
    lines += [
        f"state: {_quoted(settings.state)}",
        f"register: {_quoted(settings.register)}",
        "audit:",
        f"  origin: {_quoted(settings.audit.origin)}",
        f"  keep: {settings.audit.keep_months}mo",
        f"  on_failure: {settings.audit.on_failure}",
        f"  key: {_quoted(settings.audit.key)}",
        *_elsewhere(settings.audit),
        "http:",
        f"  listen: {_quoted(settings.http.listen or 'none')}",
        f"scan_interval: {duration_text(settings.scan_interval)}",
        f"scan_rate: {'unlimited' if settings.scan_rate is None else f'{settings.scan_rate}/s'}",
        f"dispute_grace: {grace}",
        f"incident_period: {duration_text(settings.incident_period)}",
        f"watch: {_flag(on=settings.watch)}",
        f"socket: {_quoted(settings.socket)}",
    ]
    return "\n".join(lines) + "\n"


def _elsewhere(audit: AuditSettings) -> Iterable[str]:
    if audit.witness is not None:
        yield f"  witness: {{url: {_quoted(audit.witness.url)}, vkey: {_quoted(audit.witness.vkey)}}}"
    if audit.tsa is not None:
        yield f"  tsa: {{url: {_quoted(audit.tsa.url)}, roots: {_quoted(audit.tsa.roots)}}}"


def _store(store: StoreSettings) -> Iterable[str]:
    yield f"  - name: {_quoted(store.name)}"
    yield f"    path: {_quoted(store.path)}"
    yield f"    recorder: {store.recorder}"
    yield f"    timezone: {_quoted(store.timezone)}"
    if store.layouts:
        yield f"    layout: {_listed(store.layouts)}"
    if store.recorder_config is not None:
        yield f"    recorder_config: {_quoted(store.recorder_config)}"
    if store.copies:
        yield f"    copies: {_listed(store.copies)}"
    yield f"    winding_down: {_flag(on=store.winding_down)}"


def _source(source: SourceSettings) -> Iterable[str]:
    yield f"  - name: {_quoted(source.name)}"
    yield f"    kind: {source.kind}"
    texts = {
        "credentials": source.credentials,
        "interface": source.interface,
        "file": source.file,
        "timezone": source.timezone,
        "ca_file": source.ca_file,
    }
    lists = {"addresses": source.addresses, "roles": source.roles, "categories": source.categories}
    yield from (f"    {key}: {_quoted(value)}" for key, value in texts.items() if value)
    yield from (f"    {key}: {_listed(values)}" for key, values in lists.items() if values)
    if source.max_age:
        yield f"    max_age: {duration_text(source.max_age)}"


def _listed(texts: Iterable[str]) -> str:
    return "[" + ", ".join(_quoted(text) for text in texts) + "]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _flag(*, on: bool) -> str:
    return "true" if on else "false"
