#!/usr/bin/env python3
"""Plays the client sessions of a user, with slixmpp, as told on stdin.

Each line on stdin is a command, each line on stdout the answer to one; both are JSON objects.

    {"id": 1, "cmd": "connect", "session": "phone", "jid": "alice@h0.test", "port": 5222, ...}
    {"id": 1, "ok": {"jid": "alice@h0.test/phone", "resumed": false, "sm": true}}
    {"id": 2, "err": {"kind": "stanza", "type": "cancel", "condition": "not-allowed", "text": ""}}

Every command has exactly one answer; the methods of `Session` named in `COMMANDS` are the commands, their keyword
arguments the members of the object. Commands run side by side, in the order in which they came: one that waits holds
up no other. The kinds of errors: `stanza` (a stanza error came back), `timeout`, `disconnected` (no session, or it
ended meanwhile), `refused` (authentication), `usage`, `failed` (anything else).

slixmpp acknowledges what it receives (XEP-0198) by itself. Who needs unacknowledged messages stops this process with
SIGSTOP, sends, and cuts the connection between it and the server. The process ends with its stdin, and is killed when
its parent ends.
"""

import asyncio
import contextlib
import ctypes
import inspect
import json
import signal
import sys
from xml.etree import ElementTree as ET

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout, PresenceError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath
from slixmpp.xmlstream.tostring import tostring

CLIENT = "jabber:client"
PUSH = "urn:xmpp:push:0"
FORMS = "jabber:x:data"
CARBONS = "urn:xmpp:carbons:2"
FORWARD = "urn:xmpp:forward:0"
MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
ROOM_CONFIG = "http://jabber.org/protocol/muc#owner"

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
LONGEST_COMMAND = 4 << 20  # bytes; a stanza in a command may be large on purpose
STREAM_CLOSE = 2.0  # seconds given to the server to close its side


class Refusal(Exception):
    """A command that ends with an error of the given kind."""

    def __init__(self, kind, text="", **details):
        super().__init__(text)
        self.answer = {"kind": kind, "text": text, **details}


def element(namespace, name, children=(), text=None, **attributes):
    """An element with the attributes that are not None."""
    made = ET.Element(f"{{{namespace}}}{name}", {k: str(v) for k, v in attributes.items() if v is not None})
    made.text = text
    made.extend(children)
    return made


def form(fields):
    """A submitted data form (XEP-0004) of [name, value or values] pairs, as they come."""
    made = element(FORMS, "x", type="submit")
    for name, values in fields:
        values = values if isinstance(values, list) else [values]
        made.append(element(FORMS, "field", (element(FORMS, "value", text=v) for v in values), var=name))
    return made


def parsed(xml):
    """An element from text; without a namespace of its own it is one of the client's."""
    try:
        return ET.fromstring(f"<wrap xmlns='{CLIENT}'>{xml}</wrap>")[0]
    except (ET.ParseError, IndexError) as error:
        raise Refusal("usage", f"not an element: {error}") from error


def described(message):
    """A received message as the members of an answer. Carbons and archived messages tell of what they carry."""
    xml = message.xml
    wrappers = (
        ("carbon", f"{{{CARBONS}}}received"),
        ("carbon", f"{{{CARBONS}}}sent"),
        ("archived", f"{{{MAM}}}result"),
    )
    via, inner = "direct", xml
    for word, tag in wrappers:
        forwarded = xml.find(f"{tag}/{{{FORWARD}}}forwarded/{{{CLIENT}}}message")
        if forwarded is not None:
            via, inner = word, forwarded
    return {
        "via": via,
        "from": inner.get("from"),
        "to": inner.get("to"),
        "type": inner.get("type", "normal"),
        "id": inner.get("id"),
        "body": inner.findtext(f"{{{CLIENT}}}body"),
        "xml": tostring(xml, xmlns=CLIENT),
    }


class Session:
    """One session of a user: a connection, or a chain of resumed ones."""

    def __init__(self):
        self.client = None
        self.sm = False
        self.password = None
        self.received = []
        self.news = asyncio.Condition()

    # Coming and going

    async def connect(self, jid, password="secret", host="127.0.0.1", port=5222, resource=None, register=False,
                      sm=True, resume=True, timeout=20):
        """Opens a stream without TLS and binds; registers the account first, if told so (XEP-0077)."""
        if self.client is not None and self.client.is_connected():
            raise Refusal("usage", "this session is connected")
        self.sm, self.password = sm, password
        self.client = client = ClientXMPP(f"{jid}/{resource}" if resource else jid, password)
        client.enable_plaintext, client.enable_starttls, client.enable_direct_tls = True, False, False
        client.plugin["feature_mechanisms"].unencrypted_plain = True
        for plugin in ("xep_0030", "xep_0045", "xep_0077"):
            client.register_plugin(plugin)
        if sm:
            client.register_plugin("xep_0198", {"allow_resume": resume})
        client.register_handler(Callback("every message", MatchXPath(f"{{{CLIENT}}}message"), self._keep))
        return await self._open(host, port, timeout, register)

    async def resume(self, host="127.0.0.1", port=5222, timeout=20):
        """Connects again and resumes the session, or gets a new one if the server has forgotten it."""
        if self.client is None or self.client.is_connected():
            raise Refusal("usage", "only a session that lost its connection can resume")
        return await self._open(host, port, timeout, register=False)

    async def close(self):
        """Ends the stream in order: the server forgets the session."""
        await self._connected().disconnect(wait=STREAM_CLOSE)
        return {}

    async def abort(self):
        """Closes the socket and says nothing: the server keeps what can be resumed."""
        self._connected().abort()
        return {}

    async def lost(self, timeout=10):
        """Waits until the connection is gone."""
        async with asyncio.timeout(timeout):
            while self.client is not None and self.client.is_connected():
                await asyncio.sleep(0.02)
        return {}

    async def unregister(self, timeout=10):
        """Removes the account (XEP-0077). Some servers close the stream instead of an answer."""
        client = self._connected()
        answer = asyncio.ensure_future(client.plugin["xep_0077"].cancel_registration(timeout=timeout))
        gone = asyncio.ensure_future(client.wait_until("disconnected", timeout))
        done, pending = await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        done.pop().result()
        return {}

    async def _open(self, host, port, timeout, register):
        loop = asyncio.get_running_loop()
        outcome, sm_known = loop.create_future(), loop.create_future()

        def settle(future, value):
            if not future.done():
                if isinstance(value, Exception):
                    future.set_exception(value)
                else:
                    future.set_result(value)

        listeners = {
            "session_start": lambda _: settle(outcome, False),
            "session_resumed": lambda _: settle(outcome, True),
            "sm_enabled": lambda _: settle(sm_known, True),
            "sm_failed": lambda _: settle(sm_known, False),
            "failed_all_auth": lambda _: settle(outcome, Refusal("refused", "no mechanism was accepted")),
            "connection_failed": lambda why: settle(outcome, Refusal("disconnected", str(why))),
            "disconnected": lambda why: settle(outcome, Refusal("disconnected", str(why))),
        }
        if register:
            async def make_account(_):
                try:
                    await self._register(timeout)
                except (IqError, IqTimeout) as error:
                    settle(outcome, error)

            listeners["register"] = make_account
        with contextlib.ExitStack() as stack:
            for name, listener in listeners.items():
                stack.enter_context(self.client.event_handler(name, listener))
            self.client.connect(host, port)
            try:
                async with asyncio.timeout(timeout):
                    resumed = await outcome
                    sm = resumed or (self.sm and await sm_known)
            except BaseException:
                self.client.cancel_connection_attempt()
                self.client.abort()
                raise
        return {"jid": self.client.boundjid.full, "resumed": resumed, "sm": sm}

    async def _register(self, timeout):
        request = self.client.Iq(stype="set")
        request["register"]["username"] = self.client.boundjid.user
        request["register"]["password"] = self.password
        await request.send(timeout=timeout)

    def _connected(self):
        if self.client is None or not self.client.is_connected():
            raise Refusal("disconnected", "this session is not connected")
        return self.client

    # Sending

    async def presence(self, type=None, priority=None, to=None):
        """Initial or later presence; `type` unavailable ends the availability."""
        self._connected().send_presence(ptype=type, ppriority=priority, pto=to)
        return {}

    async def message(self, to, body=None, type="chat", id=None, extra=()):
        """Sends a message; `extra` are further children, as XML. The answer has the id it was sent under."""
        client = self._connected()
        message = client.Message(stype=type, sto=to)
        message["id"] = id or client.new_id()
        if body is not None:
            message["body"] = body
        message.xml.extend(parsed(child) for child in extra)
        message.send()
        return {"id": message["id"]}

    async def send(self, xml):
        """Sends any stanza, or any other element such as `<inactive/>` (XEP-0352), and waits for nothing."""
        client, xml = self._connected(), parsed(xml)
        kinds = {"message": client.Message, "presence": client.Presence, "iq": client.Iq}
        kind = kinds.get(xml.tag.removeprefix(f"{{{CLIENT}}}"))
        if kind is None:
            client.send_raw(tostring(xml, xmlns=CLIENT))
        else:
            kind(xml=xml).send()  # as a stanza: stream management counts it
        return {}

    async def iq(self, xml=None, type="get", to=None, timeout=10):
        """A request with the given child, as XML; the answer has the payload of the result."""
        return await self._request(type, to, parsed(xml) if xml else None, timeout)

    async def _request(self, type, to, payload, timeout):
        client = self._connected()
        request = client.Iq(stype=type, sto=to)
        if payload is not None:
            request.append(payload)
        gone = asyncio.ensure_future(self._gone_for_good())
        answer = request.send(timeout=timeout)
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not answer.done():
            raise Refusal("disconnected", "the connection was lost before the answer")
        reply = answer.result().xml
        return {"from": reply.get("from"), "xml": "".join(tostring(child, xmlns=CLIENT) for child in reply)}

    async def _gone_for_good(self):
        """Ends when the connection is lost and no resumption can bring an answer any more."""
        while self.sm or self.client.is_connected():
            await asyncio.sleep(0.05)

    # Push (XEP-0357)

    async def enable(self, service=None, node=None, fields=None, to=None, timeout=10):
        """Enables push; `fields` are the publish options. To nobody, to the own bare JID, or to whom it should not."""
        options = [] if fields is None else [form(fields)]
        return await self._request("set", to, element(PUSH, "enable", options, jid=service, node=node), timeout)

    async def disable(self, service=None, node=None, to=None, timeout=10):
        """Disables push for a service, or for one node of it."""
        return await self._request("set", to, element(PUSH, "disable", jid=service, node=node), timeout)

    # Asking

    async def disco(self, to=None, timeout=10):
        """The features of an entity, by default of the own account (XEP-0030)."""
        client = self._connected()
        info = await client.plugin["xep_0030"].get_info(jid=to or client.boundjid.bare, local=False, cached=False,
                                                 timeout=timeout)
        return {"features": sorted(info["disco_info"]["features"])}

    async def mam(self, max=10, timeout=10):
        """Asks for the newest messages of the archive, as a mobile client does (XEP-0313)."""
        page = element(RSM, "set", [element(RSM, "max", text=str(max)), element(RSM, "before")])
        return await self._request("set", None, element(MAM, "query", [page]), timeout)

    async def carbons(self, timeout=10):
        """Enables message carbons (XEP-0280)."""
        return await self._request("set", None, element(CARBONS, "enable"), timeout)

    async def join(self, room, nick, timeout=10):
        """Joins a room (XEP-0045), and opens it with its defaults when this creates it."""
        await self._connected().plugin["xep_0045"].join_muc_wait(room, nick, maxstanzas=0, timeout=timeout)
        with contextlib.suppress(IqError):
            await self._request("set", room, element(ROOM_CONFIG, "query", [form([])]), timeout)
        return {}

    # Receiving

    def _keep(self, message):
        self.received.append(described(message))
        asyncio.ensure_future(self._tell())

    async def _tell(self):
        async with self.news:
            self.news.notify_all()

    async def wait(self, body=None, message_id=None, contains=None, timeout=10):
        """Waits for a message with this body, this id or this text in its XML, unless it is there already."""
        def found():
            return next((m for m in self.received if body in (None, m["body"]) and message_id in (None, m["id"])
                         and (contains is None or contains in m["xml"])), None)

        async with asyncio.timeout(timeout), self.news:
            return await self.news.wait_for(found)

    async def received_messages(self, forget=False):
        """All messages received so far, in order."""
        messages = list(self.received)
        if forget:
            self.received.clear()
        return {"messages": messages}


COMMANDS = {
    name: getattr(Session, name)
    for name in ("connect", "resume", "close", "abort", "lost", "unregister", "presence", "message", "send", "iq",
                 "enable", "disable", "disco", "mam", "carbons", "join", "wait", "received_messages")
}


async def perform(sessions, command):
    """Runs one command; what comes back is the rest of the answer."""
    name = command.pop("cmd", None)
    session = sessions.setdefault(command.pop("session", "main"), Session())
    method = COMMANDS.get(name)
    if method is None:
        raise Refusal("usage", f"there is no command {name}")
    try:
        inspect.signature(method).bind(session, **command)
    except TypeError as error:
        raise Refusal("usage", f"{name}: {error}") from error
    return await method(session, **command)


async def answer(sessions, command):
    """Runs one command and prints its one answer."""
    number = command.pop("id", None)
    try:
        line = {"ok": await perform(sessions, command)}
    except Refusal as refusal:
        line = {"err": refusal.answer}
    except (IqTimeout, TimeoutError):
        line = {"err": {"kind": "timeout", "text": "nothing came in time"}}
    except (IqError, PresenceError) as error:
        line = {"err": {"kind": "stanza", "type": error.etype, "condition": error.condition, "text": error.text}}
    except Exception as error:  # whatever else happens, the other side waits for an answer
        line = {"err": {"kind": "failed", "text": f"{type(error).__name__}: {error}"}}
    print(json.dumps({"id": number, **line}), flush=True)


async def main():
    """Reads commands until stdin ends."""
    lines = asyncio.StreamReader(limit=LONGEST_COMMAND)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    sessions, running = {}, set()
    while line := await lines.readline():
        task = asyncio.ensure_future(answer(sessions, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    for session in sessions.values():
        if session.client is not None:
            session.client.abort()


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    asyncio.run(main())
