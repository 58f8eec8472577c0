"""A time-stamping authority on the loopback: `openssl ts` behind HTTP, with certificates of its own."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from retentiond.evidence.timestamp import Authority
from retentiond.web.serve import Answer, HttpServer, Request

CONFIG = """\
[tsa]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""
NAME = "CN=Clock of the test"


@dataclass
class LocalAuthority:
    """Certificates and answers; `questions` is every byte that was sent to it."""

    folder: Path
    questions: list[bytes] = field(default_factory=list)
    answer: Callable[[bytes], Answer] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir()
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _certificate("CN=Root of the test", root_key.public_key(), "CN=Root of the test", root_key)
        own = _certificate(NAME, key.public_key(), "CN=Root of the test", root_key, stamps=True)
        pem = serialization.Encoding.PEM
        (self.folder / "roots.pem").write_bytes(root.public_bytes(pem))
        (self.folder / "tsa.pem").write_bytes(own.public_bytes(pem))
        (self.folder / "tsa.key").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        (self.folder / "serial").write_text("01")
        (self.folder / "tsa.cnf").write_text(CONFIG.format(folder=self.folder))

    @property
    def roots(self) -> Path:
        return self.folder / "roots.pem"

    @contextmanager
    def running(self) -> Iterator[Authority]:
        authority = self

        class Site:
            body_limit = 65536
            headers = MappingProxyType[str, str]({})

            def answer(self, request: Request) -> Answer:
                authority.questions.append(request.body)
                return authority.answer(request.body) if authority.answer is not None else authority.stamp(request.body)

        server = HttpServer("127.0.0.1", 0, Site(), called="--listen")
        server.start()
        try:
            yield Authority(f"http://127.0.0.1:{server.address[1]}/tsr", str(self.roots))
        finally:
            server.stop()

    def stamp(self, question: bytes) -> Answer:
        (self.folder / "query").write_bytes(question)
        command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "query"]
        done = subprocess.run([*command, "-out", "reply"], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return Answer(HTTPStatus.OK, (self.folder / "reply").read_bytes(), "application/timestamp-reply")

    def verifies(self, note: Path, stamp: Path) -> bool:
        """Tell whether openssl says that the stamp is over these bytes and by a certificate under our root."""
        command = ["openssl", "ts", "-verify", "-data", str(note), "-in", str(stamp), "-CAfile", str(self.roots)]
        return "Verification: OK" in subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _certificate(
    subject: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    stamps: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not stamps, path_length=None), critical=True)
    )
    if stamps:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text.removeprefix("CN="))])
