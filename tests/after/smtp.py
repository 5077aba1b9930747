"""A mail server that takes what it is sent, or does not, as its script says; one JSON line a mail.

smtp.py FOLDER [--tls | --smtps] [--auth USER:PASSWORD] [--rcpt 451,250] [--data drop,250]

With --tls a connection must go over to TLS, with --smtps it is TLS from its first byte; FOLDER/ca.pem is
who vouches for it. A script's steps are used one a time, the last one for ever: an SMTP code, `drop` (the connection goes
after the data), `hang` (until FOLDER/release is there). It ends with its standard input.
"""

import argparse
import asyncio
import base64
import email
import email.policy
import json
import os
import ssl
import sys
import threading

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

asked = argparse.ArgumentParser()
asked.add_argument("folder")
asked.add_argument("--tls", action="store_true")
asked.add_argument("--smtps", action="store_true")
asked.add_argument("--auth")
asked.add_argument("--rcpt", default="250")
asked.add_argument("--data", default="250")
asked = asked.parse_args()
scripts = {"rcpt": asked.rcpt.split(","), "data": asked.data.split(",")}


def step(script):
    steps = scripts[script]
    return steps.pop(0) if len(steps) > 1 else steps[0]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        code = step("rcpt")
        if code != "250":
            return f"{code} not this one"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        act = step("data")
        while act == "hang" and not os.path.exists(os.path.join(asked.folder, "release")):
            await asyncio.sleep(0.05)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {}
        for part in mail.walk():
            if not part.is_multipart():
                body = base64.b64encode(part.get_payload(decode=True)).decode()
                parts[part.get_content_type()] = {"name": part.get_filename(), "base64": body}
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "names": [name.lower() for name in mail.keys()],
            "parts": parts,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "user": getattr(session, "user", None),
        }
        with open(os.path.join(asked.folder, "mails"), "a") as mails:
            mails.write(json.dumps(line) + "\n")
        if act == "drop":
            server.transport.abort()
        return "250 taken" if act in ("250", "hang") else f"{act} not this one"


def sign_in(server, session, envelope, mechanism, data):
    given = f"{data.login.decode()}:{data.password.decode()}"
    session.user = data.login.decode()
    return AuthResult(success=given == asked.auth, handled=False)


context = None
if asked.tls or asked.smtps:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(os.path.join(asked.folder, "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)


def smtp():
    more = {"tls_context": context, "require_starttls": True} if asked.tls else {}
    if asked.auth:
        more |= {"authenticator": sign_in, "auth_required": True, "auth_require_tls": asked.tls}
    return SMTP(Handler(), hostname="test", enable_SMTPUTF8=True, **more)


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(smtp, "127.0.0.1", 0, ssl=context if asked.smtps else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
asyncio.run(serve())
