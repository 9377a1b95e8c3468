"""Flags of all commands that speak to registries. Light."""

from __future__ import annotations

from budu.cli.declare import Flag

TLS_VERIFY = Flag("tls-verify", default=True,
                  help=("Check the registry's certificate (false: trust it this once)",
                        "레지스트리 인증서를 확인합니다 (false: 이번 한 번만 신뢰)"))  # fmt: skip
