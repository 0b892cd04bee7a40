"""Plays alice, bob and a push service for scripts/demo, and tells what happens."""

import argparse
import asyncio
import re
import sys
from pathlib import Path
from xml.dom import minidom
from xml.etree import ElementTree

from slixmpp import ClientXMPP, ComponentXMPP
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath
from slixmpp.xmlstream.tostring import tostring

PUBSUB = "http://jabber.org/protocol/pubsub"
PATIENCE = 20  # seconds for each step; each takes milliseconds
PASSWORD = "password"

ENABLE = """
<enable xmlns='urn:xmpp:push:0' jid='{service}' node='alices-phone'>
  <x xmlns='jabber:x:data' type='submit'>
    <field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>
    <field var='secret'><value>eruio234vzxc2kla-91</value></field>
  </x>
</enable>"""


class Failed(Exception):
    """A step did not end as it should."""


def step(what):
    """Names what happens."""
    print(f"\n{what}", flush=True)


def parsed(text):
    """An element, without the white space between its children."""
    return ElementTree.fromstring(re.sub(r">\s+<", "><", text.strip()))


def show(stanza, namespace):
    """Prints a stanza, indented, a field of a form on one line."""
    root = minidom.parseString(tostring(stanza.xml, xmlns=namespace)).documentElement
    text = root.toprettyxml(indent="  ").rstrip()
    text = re.sub(r"(<field [^>]*>)\s+(<value>[^<]*</value>)\s+(?=</field>)", r"\1\2", text)
    print(*(f"    {line}" for line in text.splitlines()), sep="\n", flush=True)


async def within(awaitable, what):
    """Waits for something, but not for ever."""
    try:
        return await asyncio.wait_for(awaitable, PATIENCE)
    except (asyncio.TimeoutError, IqTimeout) as error:
        raise Failed(f"{what}: nothing came within {PATIENCE} s") from error
    except IqError as error:
        raise Failed(f"{what}: refused with {error.condition}: {error.text}") from error


class User(ClientXMPP):
    """A client that makes its account (XEP-0077) and logs in."""

    def __init__(self, jid):
        super().__init__(jid, PASSWORD)
        self.enable_plaintext, self.enable_starttls, self.enable_direct_tls = True, False, False
        self.plugin["feature_mechanisms"].unencrypted_plain = True
        self.register_plugin("xep_0077")
        self.add_event_handler("register", self.make_account)

    async def make_account(self, _):
        """Answers the server's offer of an account."""
        request = self.Iq(stype="set")
        request["register"]["username"] = self.boundjid.user
        request["register"]["password"] = PASSWORD
        await request.send()

    async def log_in(self, port):
        """Opens the stream and becomes available."""
        self.connect("127.0.0.1", port)
        await within(self.wait_until("session_start", PATIENCE), f"{self.boundjid.user} logs in")
        self.send_presence()

    async def log_out(self):
        """Closes the stream; the server has no session of this user any more."""
        await self.disconnect(wait=2)


class PushService(ComponentXMPP):
    """A push service: takes what is published to its nodes, as one for phones would."""

    def __init__(self, jid, secret, port):
        super().__init__(jid, secret, "127.0.0.1", port)
        self.got = asyncio.get_running_loop().create_future()
        publish = MatchXPath(f"{{{self.default_ns}}}iq/{{{PUBSUB}}}pubsub")
        self.register_handler(Callback("publish", publish, self.take))

    def take(self, publish):
        """Remembers the first notification."""
        if not self.got.done():
            self.got.set_result(publish)

    async def come_up(self):
        """Connects to the server."""
        self.connect()
        await within(self.wait_until("session_start", PATIENCE), "the push service connects")


async def logged(log, text):
    """Waits for a line of the service's log."""
    while True:
        for line in log.read_text().splitlines():
            if text in line:
                return line
        await asyncio.sleep(0.05)


async def play(options):
    """One push, from end to end."""
    service = PushService(options.push_service, options.secret, options.component_port)
    await service.come_up()
    alice, bob = User(f"alice@{options.host}"), User(f"bob@{options.host}")
    await alice.log_in(options.c2s_port)

    step("alice enables push:")
    enable = alice.Iq(stype="set")
    enable.append(parsed(ENABLE.format(service=options.push_service)))
    show(enable, alice.default_ns)
    await within(enable.send(timeout=PATIENCE), "enable")

    step("alice goes offline")
    await within(alice.log_out(), "alice logs out")

    step("bob sends:")
    await bob.log_in(options.c2s_port)
    message = bob.make_message(f"alice@{options.host}", "Wherefore art thou?", mtype="chat")
    message.send()
    show(message, bob.default_ns)

    publish = await within(service.got, "a notification")
    step("push service got: a notification that tells neither who wrote nor what")
    show(publish, service.default_ns)

    answer = publish.reply()
    answer.send()
    step("answered:")
    show(answer, service.default_ns)
    line = await within(logged(options.log, "end=Accepted"), "the answer at xmpp-push")
    print(f"    xmpp-push: {line.split('DEBUG', 1)[-1].strip()}")
    await asyncio.gather(bob.log_out(), service.disconnect(wait=2))


def options():
    """The command line, as scripts/demo gives it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("host", "push-service", "secret"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("c2s-port", "component-port"):
        parser.add_argument(f"--{name}", required=True, type=int)
    parser.add_argument("--log", required=True, type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(play(options()))
    except Failed as failure:
        sys.exit(f"demo: {failure}")
