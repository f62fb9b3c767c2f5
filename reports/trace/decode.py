"""The stateful APDU decoder: each exchange in a person's words, with what was selected and which bytes are secret.

A T=0 card answers in pieces: ``61xx`` and GET RESPONSE, or ``6Cxx`` and the command again with another Le. The decoder
joins them: the pieces stay exchanges of their own, and the last one carries the decoded answer of the logical command.
Nothing that is fed to a decoder makes it raise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from emulator.iso7816 import status
from emulator.iso7816.apdu import ApduError, Command
from emulator.iso7816.status import SW
from profiles.model import Profile
from reports.trace import bodies, groupings, reset, words
from reports.trace.bodies import Head
from reports.trace.octets import Octets, OctetsError
from reports.trace.parts import NOTHING, Decoded, Name, printable
from reports.trace.state import Session

_GET_RESPONSE = 0xC0
_SWITCHES = {
    "POWER ON": Name("上电", "power on"),
    "RESET": Name("冷复位", "cold reset"),
    "WARM RESET": Name("热复位", "warm reset"),
    "NEW CARD": Name("换新卡并上电", "fresh card, power on"),
    "COPY OF A CARD": Name("换入卡片副本并上电", "copy of a card, power on"),
    "CONTACT": Name("换到接触界面并上电", "over to the contacts, power on"),
    "CONTACTLESS": Name("换到非接触界面并上电", "over to the antenna, power on"),
    "POWER OFF": Name("断电", "power off"),
}
_POWER_LOST = Name("应答前断电", "power lost before the answer")


@dataclass(frozen=True, slots=True)
class _Pending:
    """A logical command whose answer has not come completely."""

    head: Head
    raw: bytes
    """The command without its Le, by which its repetition is recognised."""
    gathered: Octets
    waits: bool
    """Whether the card announced an answer (61xx); otherwise it wants another Le (6Cxx)."""


class _Step(NamedTuple):
    """An exchange in its place: which logical command it belongs to and what that command addresses."""

    logical: Head
    gathered: Octets
    offset: int
    continues: bool
    fetches: bool
    subject: str
    title: Name
    file_before: str
    sw: int | None


class Decoder:
    """Follows a card session exchange by exchange.

    With a profile it names directories, files and keys, and knows the layout of records; without one it knows the
    dictionary alone and treats what it can't read as secret.
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self._session = Session(profile)
        self._pending: _Pending | None = None

    def reset(self, atr: bytes | str | Octets, how: str = "RESET") -> Decoded:
        """The card was reset, or came to power, and answered ``atr`` (perhaps empty). ``how`` is a word of the event log."""
        self._session.reset()
        self._pending = None
        answer = _octets(atr)
        return Decoded(
            kind="reset",
            command=Octets(b""),
            response=answer,
            name=_SWITCHES.get(how, _SWITCHES["RESET"]),
            label=how,
            directory=self._session.directory,
            title=self._session.title,
            answer=reset.fields(answer),
        )

    def power_off(self) -> Decoded:
        """The card lost its power."""
        self._session.reset()
        self._pending = None
        return Decoded("power off", Octets(b""), Octets(b""), _SWITCHES["POWER OFF"], "POWER OFF")

    def exchange(self, command: bytes | str | Octets, response: bytes | str | Octets) -> Decoded:
        """Decode a command and its answer.

        Text is hexadecimal, ``XX`` for a byte that is unknown; the words of the event log are understood: ``POWER ON``,
        ``RESET``, ``WARM RESET``, ``NEW CARD``, ``COPY OF A CARD``, ``CONTACT``, ``CONTACTLESS`` and ``POWER OFF`` for a command,
        ``POWER LOST …`` for an answer that never came. What can't be read is shown as unreadable, never refused.
        """
        if isinstance(command, str) and command in _SWITCHES:
            return self.power_off() if command == "POWER OFF" else self.reset(response, command)
        lost = isinstance(response, str) and response.startswith("POWER LOST")
        try:
            sent, received = Octets.of(command), Octets(b"") if lost else Octets.of(response)
        except OctetsError as error:
            self._pending = None
            return _unreadable(command, response, str(error))
        decoded = self._decode(sent, received)
        return replace(decoded, status=_POWER_LOST, status_kind="warning", problems=()) if lost else decoded

    def skip(self, command: str, response: str) -> None:
        """Follow an exchange of the event log without describing it, which is faster."""
        if command in _SWITCHES:
            self._session.reset()
            self._pending = None
            return
        try:
            sent, received = Octets.of(command), Octets.of(response)
        except OctetsError:
            self._pending = None
            return
        head, data, _ = _parse(sent, self._session.application)
        if head is None:
            self._pending = None
        else:
            self._close(self._open(head, sent, received), head, data, sent)

    def _decode(self, sent: Octets, received: Octets) -> Decoded:
        head, data, problem = _parse(sent, self._session.application)
        sw = _status(received)
        meaning = words.status(sw)
        session = self._session
        if head is None:
            self._pending = None
            return Decoded(
                "exchange", sent, received, Name("命令残缺", "incomplete command"), sw=sw, status=meaning.text,
                status_kind=meaning.kind, directory=session.directory, file=session.file,
                subject=session.path, title=session.title, held=tuple(session.held), problems=(problem,),
            )  # fmt: skip
        wording = words.command(*head.key, session.application)
        step = self._open(head, sent, received)
        fields = (bodies.unparsed if problem else bodies.command_fields)(head, data, session)
        answers = bodies.answer_fields(step.logical, step.gathered, session)
        self._close(step, head, data, sent)
        return Decoded(
            "exchange",
            sent,
            received,
            wording.name,
            wording.label,
            parameters=words.parameters(wording, head.p1, head.p2),
            directory=session.directory,
            file=session.file,
            subject=step.subject or session.path,
            title=step.title if step.subject else session.title,
            held=tuple(session.held),
            fields=fields,
            answer=answers,
            sw=sw,
            status=meaning.text,
            status_kind=meaning.kind,
            completes=step.logical.label if step.continues else "",
            answer_offset=step.offset,
            problems=tuple(text for text in (problem, _answer_problem(received)) if text),
        )

    def _open(self, head: Head, sent: Octets, received: Octets) -> _Step:
        """Find out what an exchange belongs to, and make current what it addresses."""
        pending = self._continued(head, sent)
        fetched = pending if pending and pending.waits else None
        answer = received.cut(0, max(len(received) - 2, 0))
        before = self._session.file
        subject, title = ("", NOTHING) if fetched else self._address(head)
        return _Step(
            logical=fetched.head if fetched else head,
            gathered=fetched.gathered + answer if fetched else answer,
            offset=len(fetched.gathered) if fetched else 0,
            continues=pending is not None,
            fetches=fetched is not None,
            subject=subject,
            title=title,
            file_before=before,
            sw=_status(received),
        )

    def _close(self, step: _Step, head: Head, data: Octets, sent: Octets) -> None:
        """Let the session follow what the card has confirmed, and keep what the next exchange may continue."""
        if not step.fetches:
            if not _confirmed(step.sw):
                self._session.file = step.file_before
            self._follow(head, data, step.sw)
        self._remember(step, sent)

    def _address(self, head: Head) -> tuple[str, Name]:
        """What the command speaks of: a file, a PIN, a key. Makes the file of a short identifier current."""
        session = self._session
        if head.entry is None or head.stores_groupings or head.opens_channel:
            return "", NOTHING
        if head.ins in bodies.RECORD:
            sfi = head.p2 >> 3
        elif head.ins in bodies.BINARY:
            sfi = head.p1 & 0x1F if head.p1 & 0x80 else 0
        elif head.ins == bodies.VERIFY:
            return session.pin_name(head.p2), session.pin_title(head.p2)
        elif head.ins in bodies.AUTHENTICATE:
            return session.key_name(head.p2), session.key_title(head.p2)
        else:
            return "", NOTHING
        if sfi:
            session.file = session.file_by_short_identifier(sfi)
        return session.path, session.title

    def _follow(self, head: Head, data: Octets, sw: int | None) -> None:
        """Let the session follow what the card has confirmed."""
        session = self._session
        if head.entry is None:
            return
        if head.ins == bodies.SELECT and _confirmed(sw):
            if not data.known:
                session.lose_track()
            elif head.p1 == 0x04:
                session.select_by_name(data.value)
            elif head.p1 == 0x03:
                session.select_parent()
            else:
                session.select_by_identifier(data.value, head.p1)
        elif head.stores_groupings or head.opens_channel:
            self._follow_personalisation(head, data, sw)
        elif head.ins == bodies.VERIFY and sw == SW.SUCCESS:
            session.verified(head.p2)
        elif head.ins == bodies.EXTERNAL_AUTHENTICATE and sw == SW.SUCCESS:
            session.authenticated(head.p2)

    def _follow_personalisation(self, head: Head, data: Octets, sw: int | None) -> None:
        """Keep the level of the channel, and what of a grouping is still to come."""
        session = self._session
        if sw == SW.SUCCESS and head.opens_channel:
            session.open_channel(head.p1)
        elif sw == SW.SUCCESS:
            before = session.open_grouping
            session.open_grouping = groupings.fields(head.cla, head.p1, data, head.base, session.channel, before)[1]

    def _continued(self, head: Head, sent: Octets) -> _Pending | None:
        """The logical command that this exchange continues, if any."""
        pending = self._pending
        if pending is None:
            return None
        if pending.waits:
            return pending if head.ins == _GET_RESPONSE and head.p1 == head.p2 == 0 else None
        return pending if _without_le(sent) == pending.raw else None

    def _remember(self, step: _Step, sent: Octets) -> None:
        earlier, self._pending = self._pending, None
        if step.sw is None:
            return
        if status.is_more_available(step.sw):
            self._pending = _Pending(step.logical, b"", step.gathered, waits=True)
        elif status.is_wrong_le(step.sw):
            if step.fetches:
                self._pending = earlier
            else:
                self._pending = _Pending(step.logical, _without_le(sent), Octets(b""), waits=False)


def _parse(sent: Octets, application: str | None) -> tuple[Head | None, Octets, str]:
    """Header, data and what is wrong with the command; no header when fewer than four bytes are known."""
    raw = sent.value
    if len(raw) < 4 or any(offset in sent.unknown for offset in range(4)):
        return None, sent, f"{len(raw)} 字节，命令至少 4 字节 bytes, a command has at least 4"
    cla, ins, p1, p2 = raw[:4]
    wording = words.command(cla, ins, p1, application)
    try:
        command = Command.parse(raw)
    except ApduError as error:
        return (
            Head(cla, ins, p1, p2, 4, wording.entry, wording.label),
            sent.cut(4),
            f"长度与 Lc、Le 不符 malformed: {error}",
        )
    base = 7 if command.extended and command.data else 5
    return Head(cla, ins, p1, p2, base, wording.entry, wording.label), sent.cut(base, base + len(command.data)), ""


def _without_le(sent: Octets) -> bytes:
    """The command without its Le, by which a repetition is recognised."""
    try:
        command = Command.parse(sent.value)
    except ApduError:
        return sent.value
    return command.header + command.data


def _status(received: Octets) -> int | None:
    size = len(received)
    if size < 2 or size - 1 in received.unknown or size - 2 in received.unknown:
        return None
    return int.from_bytes(received.value[-2:])


def _confirmed(sw: int | None) -> bool:
    """Whether the card did what it was told."""
    return sw is not None and (status.is_success(sw) or (status.is_warning(sw) and status.tries_of(sw) is None))


def _answer_problem(received: Octets) -> str:
    return "" if len(received) >= 2 else f"{len(received)} 字节，应答至少 2 字节 bytes, an answer has at least 2"


def _octets(source: bytes | str | Octets) -> Octets:
    try:
        return Octets.of(source)
    except OctetsError:
        return Octets(b"")


def _unreadable(command: bytes | str | Octets, response: bytes | str | Octets, problem: str) -> Decoded:
    shown = " → ".join(printable(str(part))[:64] for part in (command, response) if isinstance(part, str))
    return Decoded(
        "unreadable",
        _octets(command),
        _octets(response),
        Name("无法读取", "unreadable"),
        problems=(f"{problem}: {shown}",),
    )
