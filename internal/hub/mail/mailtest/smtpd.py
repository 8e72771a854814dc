"""A mail server for tests: it takes mails after STARTTLS and a sign-in, and prints
each as a line of JSON. Its first line is the port.

Usage: smtpd.py certificate key user password [plain]
"""

import asyncio
import base64
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def main():
    certificate, key, user, password = sys.argv[1:5]
    plain = "plain" in sys.argv[5:]

    class Keep:
        async def handle_DATA(self, server, session, envelope):
            mail = {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "data": base64.b64encode(envelope.original_content).decode(),
                "encrypted": session.ssl is not None,
                "user": session.auth_data or "",
            }
            print(json.dumps(mail), flush=True)
            return "250 taken"

    def sign_in(server, session, envelope, mechanism, data):
        ok = mechanism in ("PLAIN", "LOGIN") and data.login == user.encode() and data.password == password.encode()
        return AuthResult(success=ok, handled=False, auth_data=user if ok else None)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    options = {} if plain else {
        "tls_context": context,
        "require_starttls": True,
        "authenticator": sign_in,
        "auth_required": True,
        "auth_require_tls": True,
    }

    async def serve():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(Keep(), loop=loop, hostname="mail.test", **options), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)  # until the test ends
        server.close()

    asyncio.run(serve())


main()
