"""A certificate for 127.0.0.1 and localhost that nobody signed; good for a hundred years.

The key protects nothing: it exists for tests only.
"""

import ssl
import tempfile
from pathlib import Path

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBozCCAUmgAwIBAgIUB1Q/VR7PDXdnZTAFbiF1MUe4sxQwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNZmFrZS1yZWdpc3RyeTAgFw0yNjExMjMyMzM2MTNaGA8yMTI2
MTAzMDIzMzYxM1owGDEWMBQGA1UEAwwNZmFrZS1yZWdpc3RyeTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABPlHXbGPNc8AqLor55OD5xA8Fn8u9gSUktWBOR3uPQQX
0qbKfkux0rTGq7ZO71RufRC4w30uVPTuEQCy50REuaKjbzBtMB0GA1UdDgQWBBQO
iUvj8QvrXiNEhKaHwloy5Kd4tjAfBgNVHSMEGDAWgBQOiUvj8QvrXiNEhKaHwloy
5Kd4tjAPBgNVHRMBAf8EBTADAQH/MBoGA1UdEQQTMBGHBH8AAAGCCWxvY2FsaG9z
dDAKBggqhkjOPQQDAgNIADBFAiEA5IxM1EjCb1h+8vAYgZuALMMBo1ULx+Cl3C1d
P2ZGHB0CICl6bRwAIOqfmaueTd7J5AgCtqQDutkkY7J0Ow1OOdc2
-----END CERTIFICATE-----
"""
_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRBjVsY6GKaZerMgc
DLDhWQNStG0KWmmHbNOnKBlM0BqhRANCAAT5R12xjzXPAKi6K+eTg+cQPBZ/LvYE
lJLVgTkd7j0EF9Kmyn5LsdK0xqu2Tu9Ubn0QuMN9LlT07hEAsudERLmi
-----END PRIVATE KEY-----
"""


def server_context() -> ssl.SSLContext:
    """A server's TLS context with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "both.pem"
        chain.write_text(CERTIFICATE + _KEY)
        context.load_cert_chain(chain)
    return context


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Files with the certificate and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(CERTIFICATE)
    key.write_text(_KEY)
    return certificate, key
