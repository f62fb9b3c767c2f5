"""The stateful APDU decoder: each exchange in a person's words, with what was selected and which bytes are secret.

A T=0 card answers in pieces: ``61xx`` and GET RESPONSE, or ``6Cxx`` and the command again with another Le. The decoder
joins them: the pieces stay exchanges of their own, and the last one carries the decoded answer of the logical command.
Nothing that is fed to a decoder makes it raise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from emulator.iso7816 import status
from emulator.iso7816.apdu import ApduError, Command
from emulator.iso7816.status import SW
from profiles.model import Profile
from reports.trace import bodies, reset, words
from reports.trace.bodies import Head
from reports.trace.octets import Octets, OctetsError
from reports.trace.parts import NOTHING, Decoded, Name, printable
from reports.trace.state import Session

_GET_RESPONSE = 0xC0


@dataclass(frozen=True, slots=True)
class _Pending:
    """A logical command whose answer has not come completely."""

    head: Head
    label: str
    raw: bytes
    gathered: Octets
    waits: bool
    """Whether the card announced an answer (61xx); otherwise it wants another Le (6Cxx)."""


class Decoder:
    """Follows a card session exchange by exchange.

    With a profile it names directories, files and keys, and knows the layout of records; without one it knows the
    dictionary alone and treats what it can't read as secret.
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self._session = Session(profile)
        self._pending: _Pending | None = None

    def reset(self, atr: bytes | str | Octets) -> Decoded:
        """The card was reset, or came to power, and answered ``atr`` (perhaps empty)."""
        self._session.reset()
        self._pending = None
        answer = _octets(atr)
        return Decoded(
            kind="reset",
            command=Octets(b""),
            response=answer,
            name=Name("复位", "reset"),
            label="RESET",
            directory=self._session.directory,
            title=self._session.title,
            answer=reset.fields(answer),
        )

    def power_off(self) -> Decoded:
        """The card lost its power."""
        self._session.reset()
        self._pending = None
        return Decoded("power off", Octets(b""), Octets(b""), Name("断电", "power off"), "POWER OFF")

    def exchange(self, command: bytes | str | Octets, response: bytes | str | Octets) -> Decoded:
        """Decode a command and its answer.

        Text is hexadecimal, ``XX`` for a byte that is unknown; the words ``RESET`` and ``POWER OFF`` of the event log are
        understood. What can't be read is shown as unreadable, never refused.
        """
        if command == "RESET":
            return self.reset(response)
        if command == "POWER OFF":
            return self.power_off()
        try:
            sent, received = Octets.of(command), Octets.of(response)
        except OctetsError as error:
            self._pending = None
            return _unreadable(command, response, str(error))
        return self._decode(sent, received)

    def _decode(self, sent: Octets, received: Octets) -> Decoded:
        head, data, problem = _parse(sent)
        sw = _status(received)
        meaning = words.status(sw)
        if head is None:
            self._pending = None
            named = Decoded("exchange", sent, received, Name("命令残缺", "incomplete command"), problems=(problem,))
            return self._with_state(replace(named, sw=sw, status=meaning.text, status_kind=meaning.kind))
        pending = self._continued(head, sent)
        fetched = pending if pending and pending.waits else None
        answer = received.cut(0, max(len(received) - 2, 0))
        gathered = fetched.gathered + answer if fetched else answer
        logical = fetched.head if fetched else head
        wording = words.command(head.cla, head.ins, head.p1)
        label = fetched.label if fetched else wording.label
        before = self._session.file
        subject, title = ("", NOTHING) if fetched else self._address(head)
        decoded = Decoded(
            "exchange",
            sent,
            received,
            wording.name,
            wording.label,
            parameters=words.parameters(wording, head.p1, head.p2),
            fields=(bodies.unparsed if problem else bodies.command_fields)(head, data, self._session),
            answer=bodies.answer_fields(logical, gathered, self._session),
            sw=sw,
            completes=pending.label if pending else "",
            answer_offset=len(fetched.gathered) if fetched else 0,
            problems=tuple(text for text in (problem, _answer_problem(received)) if text),
            status=meaning.text,
            status_kind=meaning.kind,
        )
        if not fetched:
            if not _confirmed(sw):
                self._session.file = before
            self._follow(head, data, sw)
        self._remember(logical, label, sent, sw, gathered)
        return self._with_state(decoded, subject, title)

    def _with_state(self, decoded: Decoded, subject: str = "", title: Name = NOTHING) -> Decoded:
        session = self._session
        return replace(
            decoded,
            directory=session.directory,
            file=session.file,
            subject=subject or session.path,
            title=title if subject else session.title,
            held=tuple(session.held),
        )

    def _address(self, head: Head) -> tuple[str, Name]:
        """What the command speaks of: a file, a PIN, a key. Makes the file of a short identifier current."""
        session = self._session
        if head.entry is None:
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
        elif head.ins == bodies.VERIFY and sw == SW.SUCCESS:
            session.verified(head.p2)
        elif head.ins == bodies.EXTERNAL_AUTHENTICATE and sw == SW.SUCCESS:
            session.authenticated(head.p2)

    def _continued(self, head: Head, sent: Octets) -> _Pending | None:
        """The logical command that this exchange continues, if any."""
        pending = self._pending
        if pending is None:
            return None
        if pending.waits:
            return pending if head.ins == _GET_RESPONSE and head.p1 == head.p2 == 0 else None
        return pending if _without_le(sent) == pending.raw else None

    def _remember(self, logical: Head, label: str, sent: Octets, sw: int | None, gathered: Octets) -> None:
        """Keep what the next exchange may continue."""
        earlier = self._pending
        self._pending = None
        if sw is None:
            return
        if status.is_more_available(sw):
            self._pending = _Pending(logical, label, b"", gathered, waits=True)
        elif status.is_wrong_le(sw):
            if sent.value[1:2] == bytes((_GET_RESPONSE,)) and earlier and earlier.waits:
                self._pending = earlier
            else:
                self._pending = _Pending(logical, label, _without_le(sent), Octets(b""), waits=False)


def _parse(sent: Octets) -> tuple[Head | None, Octets, str]:
    """Header, data and what is wrong with the command; no header when fewer than four bytes are known."""
    raw = sent.value
    if len(raw) < 4 or any(offset in sent.unknown for offset in range(4)):
        return None, sent, f"{len(raw)} 字节，命令至少 4 字节 bytes, a command has at least 4"
    cla, ins, p1, p2 = raw[:4]
    entry = words.command(cla, ins, p1).entry
    try:
        command = Command.parse(raw)
    except ApduError as error:
        return Head(cla, ins, p1, p2, 4, entry), sent.cut(4), f"长度与 Lc、Le 不符 malformed: {error}"
    base = 7 if command.extended and command.data else 5
    return Head(cla, ins, p1, p2, base, entry), sent.cut(base, base + len(command.data)), ""


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
