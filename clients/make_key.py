#!/usr/bin/env python3
"""Makes an Ed25519 key pair, signs in as the demo's user and registers the public half as an API key.

    python3 make_key.py --demo-json DIR/demo.json --pem FILE

Writes the private key to FILE and prints the name of the API key. The private key never leaves this machine.
"""

import argparse
import http.cookiejar
import json
import os
import urllib.request
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo-json", required=True, type=Path)
    parser.add_argument("--pem", required=True, type=Path)
    arguments = parser.parse_args()
    demo = json.loads(arguments.demo_json.read_text())
    url, user = demo["service"]["url"], demo["user"]

    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(arguments.pem, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def post(path, body):
        headers = {"Content-Type": "application/json", "EnsoEx-Client": "make_key"}
        request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)
        with opener.open(request) as answer:
            return json.load(answer)

    post("/v1/session", {"email": user["email"], "password": user["password"]})
    made = post("/v1/api-keys", {"label": "Ed25519", "type": "ed25519", "public_key": public.decode()})
    print(made["key"])


if __name__ == "__main__":
    main()
