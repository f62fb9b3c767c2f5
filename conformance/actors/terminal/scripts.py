"""Issuer scripts at the terminal: reading templates 71 and 72, running their commands (JR/T 0025.6 §7.12)."""

from __future__ import annotations

from typing import NamedTuple

from conformance.actors.terminal.bits import Tsi, Tvr
from conformance.actors.terminal.ending import Ended
from conformance.actors.terminal.events import Phase, ScriptRun
from conformance.actors.terminal.transaction import Transaction
from emulator.iso7816 import ApduError, Command, TlvError, tlv

BEFORE_COMPLETION, AFTER_COMPLETION = 0x71, 0x72
IDENTIFIER, COMMAND = 0x9F18, 0x86
IDENTIFIER_SIZE = 4
ALL_RUN, FAILED, NOT_RUN = 0x20, 0x10, 0x00
LARGEST_NUMBER = 0x0F
CONTINUING = frozenset({0x90, 0x62, 0x63})


class Script(NamedTuple):
    """A template: its tag, the identifier (4 bytes, zeros where it has none), the commands; None where it is malformed."""

    template: int
    identifier: bytes
    commands: tuple[bytes, ...] | None


def parse_scripts(raw: bytes) -> tuple[Script, ...]:
    """The templates in what the bank sent. Never fails: what cannot be read becomes a malformed script 72."""
    try:
        templates = tlv.parse(raw)
    except TlvError:
        return (Script(AFTER_COMPLETION, bytes(IDENTIFIER_SIZE), None),)
    wanted = (BEFORE_COMPLETION, AFTER_COMPLETION)
    return tuple(_script(template) for template in templates if template.tag in wanted)


def _script(template: tlv.Tlv) -> Script:
    identifier = bytes(IDENTIFIER_SIZE)
    commands: list[bytes] = []
    try:
        for each in template.children:
            if each.tag == IDENTIFIER and len(each.value) == IDENTIFIER_SIZE and not commands:
                identifier = each.value
            elif each.tag == COMMAND:
                commands.append(each.value)
            else:
                return Script(template.tag, identifier, None)
    except TlvError:
        return Script(template.tag, identifier, None)
    return Script(template.tag, identifier, tuple(commands))


def at_work(scripts: tuple[Script, ...], template: int) -> tuple[bytes, ...]:
    """What must be said of the scripts of a template of which nobody knows how far they came: the first command may have run."""
    return tuple(bytes((FAILED | 1,)) + script.identifier for script in scripts if script.template == template)


def run_scripts(transaction: Transaction, scripts: tuple[Script, ...], template: int) -> None:
    """Run every script of a template; the results are kept for the bank, failures stand in the TVR.

    Raises:
        Ended: The card was lost before completion. After it the results say so, and the transaction stands.
    """
    phase = transaction.channel.phase
    for script in scripts:
        if script.template == template:
            transaction.enter(Phase.SCRIPTS)
            _run(transaction, script)
    transaction.enter(phase)


def _run(transaction: Transaction, script: Script) -> None:
    early = script.template == BEFORE_COMPLETION
    failure = Tvr.SCRIPT_FAILED_BEFORE if early else Tvr.SCRIPT_FAILED_AFTER
    result = NOT_RUN if script.commands is None else ALL_RUN
    transaction.tsi |= Tsi.SCRIPTS
    try:
        for number, command in enumerate(script.commands or (), 1):
            result = FAILED | min(number, LARGEST_NUMBER)
            sw = _execute(transaction, command)
            text = f"{script.template:02X} #{number} → {sw:04X}"
            transaction.listener(
                ScriptRun(Phase.SCRIPTS, f"脚本 {text}", f"script {text}", script.template, number, sw)
            )
            if sw >> 8 not in CONTINUING:
                break
            result = ALL_RUN
    except Ended as end:
        transaction.say(f"脚本中断：{end}", f"script interrupted: {end}")
        if early:
            raise
    finally:
        if result != ALL_RUN:
            transaction.tvr |= failure
        transaction.script_results.append(bytes((result,)) + script.identifier)


def _execute(transaction: Transaction, command: bytes) -> int:
    """The status word of a command; 0 for bytes that are no command, which no card sees."""
    try:
        parsed = Command.parse(command)
    except ApduError:
        return 0
    return transaction.channel.send_command(parsed).sw
