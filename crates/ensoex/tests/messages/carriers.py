"""A mail relay (aiosmtpd) and an SMS provider on the loopback address, both behind TLS: carriers.py FOLDER.

FOLDER holds server.pem and server.key. Prints both ports, then one line of JSON for each message that was taken. What they answer is in
FOLDER/smtp-says (for example "451 4.3.0 Later") and FOLDER/sms-says (a status), if those are there. Ends with its input.
"""

import base64
import email
import email.policy
import http.server
import json
import pathlib
import socket
import ssl
import sys
import threading
import urllib.parse

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

folder = pathlib.Path(sys.argv[1])
printing = threading.Lock()


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "server.pem", folder / "server.key")
    return made


def says(name):
    try:
        return (folder / name).read_text().strip()
    except FileNotFoundError:
        return ""


def tell(message):
    with printing:
        print(json.dumps(message), flush=True)


def parts(message):
    return {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}


class Mailbox:
    async def handle_DATA(self, server, session, envelope):
        if says("smtp-says"):
            return says("smtp-says")
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        tell({
            "channel": "email",
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "user": session.auth_data.decode() if session.auth_data else None,
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "parts": parts(message),
            "defects": [str(defect) for part in message.walk() for defect in part.defects],
        })
        return "250 OK"


def knows(server, session, envelope, mechanism, data):
    right = data.login == b"exchange@relay" and data.password == b"mail secret"
    return AuthResult(success=right, auth_data=data.login if right else None)


class Relay(Controller):
    def factory(self):
        return SMTP(
            self.handler,
            hostname="relay.test",
            tls_context=context(),
            require_starttls=True,
            authenticator=knows,
            auth_required=True,
        )


class Provider(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
        account, token = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().split(":", 1)
        if says("sms-says"):
            status = int(says("sms-says"))
        elif (account, token) != ("AC1", "sms secret"):
            status = 401
        elif self.path != "/2010-04-01/Accounts/AC1/Messages.json" or set(form) != {"To", "From", "Body"}:
            status = 400
        else:
            status = 201
            tell({"channel": "sms", **{name.lower(): value for name, value in form.items()}})
        answer = json.dumps({"status": "queued" if status == 201 else status, "message": form.get("To")}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def listening():
    """The relay, on a port that nobody else took meanwhile."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        relay = Relay(Mailbox(), hostname="127.0.0.1", port=port)
        try:
            relay.start()
            return port
        except OSError:
            continue


smtp = listening()
provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
provider.socket = context().wrap_socket(provider.socket, server_side=True)
threading.Thread(target=provider.serve_forever, daemon=True).start()
print(json.dumps({"smtp": smtp, "sms": provider.server_address[1]}), flush=True)
sys.stdin.read()
