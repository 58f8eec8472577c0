"""Who vouches for heads elsewhere: what `audit.witness` and `audit.tsa` may say, to the reader and the JSON Schema."""

import re

from retentiond.settings import keys
from retentiond.settings.fields import Section
from retentiond.settings.paths import parse_absolute_path
from retentiond.settings.schema_words import Schema, mapping, text
from retentiond.settings.values import TsaSettings, WitnessSettings

URL_PATTERN = r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~/-]*)?"
VKEY_PATTERN = r"[!-*,-~]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}"


def parse_url(typed: str) -> str:
    """Return an address that is asked, without a user, a password or a query."""
    match = re.fullmatch(URL_PATTERN, typed, re.ASCII)
    if match is None or (match[2] is not None and int(match[2][1:]) > 65_535):
        raise ValueError("write an address such as https://witness.clinic.example, without user, password or query")
    return typed


def parse_vkey_text(typed: str) -> str:
    """Return a public key by its form; whether it is one is looked at where it is used."""
    if not re.fullmatch(VKEY_PATTERN, typed, re.ASCII):
        raise ValueError("write the public key as `retentiond witness --show-key` prints it, with both + in it")
    return typed


def read_witness(audit: Section) -> WitnessSettings | None:
    """Return who cosigns heads, None if nobody does or something is wrong, which is noted."""
    value = audit.get("witness")
    if value is None:
        return None
    section = value.section(keys.WITNESS)
    url = section.need_parsed("url", parse_url, "write where the witness is asked, such as https://witness.example")
    vkey = section.need_parsed("vkey", parse_vkey_text, "write its public key: retentiond witness --show-key")
    return None if url is None or vkey is None else WitnessSettings(url, vkey)


def read_tsa(audit: Section) -> TsaSettings | None:
    """Return who stamps heads, None if nobody does or something is wrong, which is noted."""
    value = audit.get("tsa")
    if value is None:
        return None
    section = value.section(keys.TSA)
    url = section.need_parsed("url", parse_url, "write where the authority is asked, such as https://tsa.example/tsr")
    roots = section.need_parsed(
        "roots", parse_absolute_path, "write the file with the certificates (PEM) under which the authority signs"
    )
    return None if url is None or roots is None else TsaSettings(url, roots)


def witness_schema() -> Schema:
    """Return the JSON Schema of `audit.witness`."""
    properties = {
        "url": text("The address below which it is asked.", URL_PATTERN),
        "vkey": text("Its public key, as `retentiond witness --show-key` prints it.", VKEY_PATTERN),
    }
    return mapping(keys.WITNESS, properties, keys.WITNESS, "Who cosigns heads on another machine. Default: nobody.")


def tsa_schema() -> Schema:
    """Return the JSON Schema of `audit.tsa`."""
    properties = {
        "url": text("The address at which it is asked.", URL_PATTERN),
        "roots": text("The file with the certificates (PEM) under which it signs."),
    }
    return mapping(keys.TSA, properties, keys.TSA, "Who stamps heads with the time (RFC 3161). Default: nobody.")
