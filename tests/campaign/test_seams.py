"""What passes the seams, what strikes there, and what comes late."""

from __future__ import annotations

import pytest

from conformance.campaign.failures import FAILURES
from conformance.campaign.seams import Call, Killed, Kind, Seams, Strike


class Host:
    """Counts what arrives."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def hear(self, text: str) -> str:
        self.heard.append(text)
        return text


class Lost(Exception):
    """No answer came."""


def send(seams: Seams, host: Host, text: str, kind: Kind = Kind.MESSAGE) -> object:
    return seams.pass_by(kind, text, Call(lambda: host.hear(text), Lost, "host"))


def armed(*strikes: tuple[str, int]) -> tuple[Seams, Host]:
    seams = Seams([Strike(FAILURES[name], number) for name, number in strikes])
    seams.armed = True
    return seams, Host()


@pytest.mark.parametrize(
    ("failure", "heard"),
    [
        ("request-lost", ["a", "c", "d"]),
        ("answer-lost", ["a", "b", "c", "d"]),
        ("late", ["a", "c", "b", "d"]),
        ("very-late", ["a", "c", "d", "b"]),
        ("unreachable", ["a"]),
    ],
)
def test_messages_that_get_no_answer(failure: str, heard: list[str]) -> None:
    seams, host = armed((failure, 2))
    send(seams, host, "a")
    with pytest.raises(Lost):
        send(seams, host, "b")
    for text in "cd":
        if failure == "unreachable":
            with pytest.raises(Lost):
                send(seams, host, text)
        else:
            assert send(seams, host, text) == text
    seams.end()
    assert host.heard == heard
    assert [place.number for _, place in seams.struck] == [2]


def test_a_refusal_of_a_late_message_goes_to_nobody_and_a_host_that_breaks_on_it_is_seen() -> None:
    def late(problem: Exception) -> Seams:
        seams, _ = armed(("very-late", 1))

        def fail() -> None:
            raise problem

        with pytest.raises(Lost):
            seams.pass_by(Kind.MESSAGE, "a", Call(fail, Lost, "host"))
        return seams

    late(ValueError("refused")).end()
    with pytest.raises(RuntimeError, match="broken"):
        late(RuntimeError("broken")).end()


def test_the_line_is_back_when_it_is_mended() -> None:
    seams, host = armed(("unreachable", 1))
    with pytest.raises(Lost):
        send(seams, host, "a")
    seams.mend()
    assert send(seams, host, "b") == "b"


@pytest.mark.parametrize(("failure", "heard"), [("killed-before-host", []), ("killed-after-host", ["a"])])
def test_a_program_is_killed(failure: str, heard: list[str]) -> None:
    seams, host = armed((failure, 1))
    with pytest.raises(Killed):
        send(seams, host, "a")
    assert host.heard == heard


def test_the_same_request_comes_twice() -> None:
    seams, host = armed(("sent-twice", 1))
    assert send(seams, host, "a") == "a"
    assert host.heard == ["a", "a"]


def test_a_failure_strikes_the_next_place_of_its_kind_once() -> None:
    seams, host = armed(("request-lost", 1))
    send(seams, host, "a", Kind.MOMENT)
    with pytest.raises(Lost):
        send(seams, host, "b")
    send(seams, host, "c")
    assert host.heard == ["a", "c"]
    assert [place.number for _, place in seams.struck] == [2]


def test_a_cut_at_a_write_that_a_command_has_not_waits_for_the_next_command() -> None:
    seams, host = Seams([Strike(FAILURES["power-cut-inside"], 1, 2)]), Host()
    seams.armed = True

    def command(text: str, writes: int) -> object:
        def cut(write: int) -> str | None:
            return host.hear(text) if write > writes else None

        return seams.pass_by(Kind.COMMAND, text, Call(lambda: host.hear(text), Lost, "card", cut))

    assert command("a", 1) == "a"
    assert seams.struck == []
    with pytest.raises(Lost):
        command("b", 2)
    assert command("c", 2) == "c"
    assert host.heard == ["a", "c"]
    assert [place.number for _, place in seams.struck] == [2]


def test_nothing_strikes_or_is_counted_while_the_world_is_made() -> None:
    seams, host = armed(("request-lost", 1))
    seams.armed = False
    send(seams, host, "a")
    assert (host.heard, seams.places) == (["a"], [])
