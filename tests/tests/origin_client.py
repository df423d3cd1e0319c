"""A chat client written from the description of the original Python Chat Room alone.

It checks what it gets, and ends with 0.

Usage: origin_client.py HOST PORT [TLSv1_2|TLSv1_3]
"""

import json
import socket
import ssl
import struct
import sys


class Client:
    """One connection: frames of JSON with a 4-byte length in front, over TLS."""

    def __init__(self, host, port, tls):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # The server signs its own certificate.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion[tls]
        plain = socket.create_connection((host, port), timeout=30)
        self.socket = context.wrap_socket(plain)
        self.buffer = b""

    def send(self, kind, **data):
        message = {"type": kind}
        if data:
            message["data"] = data
        body = json.dumps(message).encode()
        self.socket.sendall(struct.pack("!I", len(body)) + body)

    def receive(self):
        (length,) = struct.unpack("!I", self.take(4))
        return json.loads(self.take(length).decode())

    def take(self, length):
        while len(self.buffer) < length:
            more = self.socket.recv(65536)
            if not more:
                raise SystemExit("the server has closed the connection")
            self.buffer += more
        taken, self.buffer = self.buffer[:length], self.buffer[length:]
        return taken

    def ask(self, kind, **data):
        self.send(kind, **data)
        return self.receive()


def check(message, kind, status, data=None, text=None):
    """The fields that the document prints; others are ignored."""
    wrong = message["type"] != kind or message["status"] != status
    for name, value in (data or {}).items():
        wrong = wrong or message["data"].get(name) != value
    if status == "error" or text is not None:
        wrong = wrong or not isinstance(message["message"], str)
    if text is not None:
        wrong = wrong or message["message"] != text
    if wrong:
        raise SystemExit(f"expected {kind} {status} {data} {text}, got {message}")


def message(sender, to, text):
    return {"from": sender, "to": to, "text": text}


def main(host, port, tls="TLSv1_3"):
    ann, bob = Client(host, int(port), tls), Client(host, int(port), tls)
    for client, name in ((ann, "ann"), (bob, "bob")):
        lobby = {"username": name, "chatroom": "lobby"}
        check(client.ask("register", username=name, password="1234"), "register", "ok", lobby)
        check(client.ask("register", username=name, password="1234"), "register", "error")
        wrong = client.ask("login", username=name, password="4321")
        check(wrong, "login", "error", text="Password incorrect")
        check(client.ask("login", username=name, password="1234"), "login", "ok", lobby)

    rooms = ann.ask("list")
    check(rooms, "list", "ok")
    online = sorted(user for users in rooms["data"].values() for user in users)
    if online != ["ann", "bob"]:
        raise SystemExit(f"expected ann and bob online, got {rooms}")

    check(ann.ask("enter", room="tech_talk"), "enter", "error")
    created = ann.ask("create", room="tech_talk")
    check(created, "create", "ok", text="tech_talk created successfully")
    check(ann.ask("create", room="tech_talk"), "create", "error")
    for client, name in ((ann, "ann"), (bob, "bob")):
        entered = client.ask("enter", room="tech_talk")
        check(entered, "enter", "ok", {"username": name, "room": "tech_talk"})
    check(bob.ask("list"), "list", "ok", {"tech_talk": ["ann", "bob"]})

    for text in ("Hello everyone!", "zwei\nZeilen", "你好 👋"):
        ann.send("msg", **message("ann", "public", text))
        for client in (ann, bob):
            check(client.receive(), "msg", "ok", message("ann", "public", text))
    bob.send("msg", **message("bob", "ann", "Hello!"))
    for client in (ann, bob):
        check(client.receive(), "msg", "ok", message("bob", "ann", "Hello!"))
    check(bob.ask("msg", **message("bob", "nobody", "Hello?")), "msg", "error")

    left = "Exited chatroom, returned to lobby"
    check(bob.ask("exit"), "exit", "ok", text=left)
    check(bob.ask("exit"), "exit", "error")
    check(bob.ask("list"), "list", "ok", {"tech_talk": ["ann"]})
    check(ann.ask("exit"), "exit", "ok", text=left)
    for client in (ann, bob):
        check(client.ask("logout"), "logout", "ok")
        check(client.ask("list"), "list", "error")


main(*sys.argv[1:])
