#!/usr/bin/env python3
"""Trades on a running EnsoEx with the unmodified libraries ccxt, python-binance and
binance-connector.

    python3 run_clients.py --demo-json DIR/demo.json [--ed25519-key NAME --ed25519-pem FILE]

Needs the packages of requirements.txt, a service with moving markets, and a funded user. Each check stands for
itself; the last line is `N passed, N failed`, and the exit code is 0 only if none failed.
"""

import argparse
import asyncio
import importlib
import json
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

# What each library's checks are in. binance-connector needs an environment of its own.
MODULES = {
    "ccxt": ["check_ccxt", "check_ccxt_pro"],
    "python-binance": ["check_python_binance"],
    "binance-connector": ["check_binance_connector"],
}


@dataclass
class Setup:
    """Where the service is, and who trades there."""

    url: str
    key: str
    secret: str
    ed25519_key: str | None
    ed25519_pem: str | None
    base: str
    quote: str
    libraries: list[str]

    @property
    def symbol(self) -> str:
        return self.base + self.quote

    @property
    def unified(self) -> str:
        return f"{self.base}/{self.quote}"

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http://", "ws://").replace("https://", "wss://")


class Checks:
    """Runs checks and counts them."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def run(self, name, check, *arguments):
        started = time.monotonic()
        try:
            result = check(*arguments)
            if asyncio.iscoroutine(result):
                asyncio.run(asyncio.wait_for(result, 60))
        except Exception as error:  # every failure of a check is a result
            self.failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}")
            traceback.print_exc(limit=-3)
        else:
            self.passed += 1
            print(f"ok     {name} ({time.monotonic() - started:.1f} s)")


def read_arguments() -> Setup:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo-json", required=True, type=Path, help="the demo's demo.json")
    parser.add_argument("--ed25519-key", help="name of an Ed25519 API key")
    parser.add_argument("--ed25519-pem", type=Path, help="its private key (PKCS #8, PEM)")
    parser.add_argument("--market", default="BTC/EUR", help="a market that moves (default BTC/EUR)")
    parser.add_argument(
        "--libraries",
        default="ccxt,python-binance",
        help=f"which of {', '.join(MODULES)} (default: the first two)",
    )
    arguments = parser.parse_args()
    demo = json.loads(arguments.demo_json.read_text())
    base, quote = arguments.market.split("/")
    pem = arguments.ed25519_pem.read_text() if arguments.ed25519_pem else None
    return Setup(
        url=demo["service"]["url"].rstrip("/"),
        key=demo["user"]["api_key"],
        secret=demo["user"]["api_secret"],
        ed25519_key=arguments.ed25519_key,
        ed25519_pem=pem,
        base=base,
        quote=quote,
        libraries=arguments.libraries.split(","),
    )


def main() -> int:
    setup = read_arguments()
    checks = Checks()
    modules = [name for library in setup.libraries for name in MODULES[library]]
    for module in map(importlib.import_module, modules):
        for name, check, *arguments in module.checks(setup):
            checks.run(f"{module.NAME}: {name}", check, *arguments)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 0 if checks.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
