"""Issuer scripts from the bank's order to the card's answer and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.bank import scripts
from conformance.actors.bank.messages import AuthorisationResponse
from conformance.actors.terminal import PreparedHolder, Reason
from conformance.actors.terminal.events import ScriptRun
from conformance.actors.terminal.scripts import Script, parse_scripts
from emulator.iso7816 import tlv

from .bench import PAN, PSN, START

ALL_RUN, FIRST_FAILED = 0x20, 0x11
SPECIAL = {"special_device": True}


def order(bench, *orders):
    bench.bank.order(PAN, PSN, *orders)


def states(bench):
    return [state.value for _, state in bench.bank.ledger.scripts(PAN, PSN)]


def results(result):
    return [each[0] for each in result.script_results]


def test_application_is_blocked_and_unblocked(used):
    order(used, scripts.block_application())
    blocked = used.pay(100, force_online=True)
    assert (blocked.reason, results(blocked), states(used)) == (Reason.APPROVED_ONLINE, [ALL_RUN], ["executed"])
    assert used.pay(100).reason is Reason.NO_APPLICATION
    order(used, scripts.unblock_application())
    unblocking = used.pay(100, configuration=SPECIAL)
    assert (unblocking.reason, results(unblocking)) == (Reason.DECLINED_BY_CARD, [ALL_RUN])
    assert states(used) == ["executed", "executed"]
    assert used.pay(100).approved
    assert used.account.balance == START - 200


def test_card_is_blocked_for_ever(used):
    order(used, scripts.block_card())
    assert used.pay(100, force_online=True).approved
    assert used.pay(100).reason is Reason.CARD_BLOCKED
    assert used.pay(100, configuration=SPECIAL).reason is Reason.CARD_BLOCKED


def test_pin_is_unblocked(used):
    used.pay(100, holder=PreparedHolder(("111111", "222222", "333333"), online_pin="123456"))
    assert used.card_data(0x9F17) == b"\x00"
    order(used, scripts.unblock_pin())
    assert results(used.pay(100, holder=PreparedHolder(), force_online=True)) == [ALL_RUN]
    assert used.card_data(0x9F17) == b"\x03"


@pytest.mark.parametrize("current", ["", "123456"])
def test_pin_is_changed(used, current):
    order(used, scripts.change_pin("88888888", current))
    assert results(used.pay(100, force_online=True)) == [ALL_RUN]
    assert used.pay(100, holder=PreparedHolder(("123456",))).tvr[2] & 0x08
    assert used.pay(100, holder=PreparedHolder(("88888888",))).cvm_results.hex() == "410302"


def test_pin_change_with_a_wrong_current_pin_fails(used):
    order(used, scripts.change_pin("88888888", "654321"))
    result = used.pay(100, force_online=True)
    assert (results(result), result.tvr.hex(), states(used)) == ([FIRST_FAILED], "0000000810", ["failed"])


def test_data_and_record_are_changed(used):
    record = bytes.fromhex("70089F1401019F230102")
    order(used, scripts.put_data(0x9F79, bytes.fromhex("000000012345")), scripts.update_record(4, 1, record))
    result = used.pay(100, force_online=True)
    assert (results(result), result.tsi.hex()) == ([ALL_RUN], "fc00")
    assert used.card_data(0x9F79).hex() == "000000012345"
    assert used.pay(100, e_cash=True).balance == 12_245


def test_what_follows_a_failed_command_is_not_run(used):
    order(
        used,
        scripts.unblock_pin(),
        scripts.put_data(0x9F79, bytes.fromhex("000000100001")),
        scripts.block_application(),
    )
    result = used.pay(100, force_online=True)
    assert (results(result), result.tvr[4]) == ([0x12], 0x10)
    assert states(used) == ["executed", "failed", "failed"]
    assert used.pay(100, force_online=True).approved


def test_script_before_completion_and_after(used):
    order(used, scripts.unblock_pin().early(), scripts.put_balance(100))
    result = used.pay(100, force_online=True)
    assert results(result) == [ALL_RUN, ALL_RUN]
    assert [event.template for event in result.events if isinstance(event, ScriptRun)] == [0x71, 0x72]


def test_failure_before_completion_has_its_own_bit(used):
    order(used, scripts.put_balance(100_001).early())
    result = used.pay(100, force_online=True)
    assert (results(result), result.tvr[4], result.reason) == ([FIRST_FAILED], 0x20, Reason.APPROVED_ONLINE)


def test_scripts_of_a_declined_transaction_run(new):
    order(new, scripts.unblock_pin())
    result = new.pay(START + 1)
    assert (result.reason, results(result), states(new)) == (Reason.DECLINED_BY_ISSUER, [ALL_RUN], ["executed"])


class Meddling:
    """A bank whose answers are changed on the way."""

    def __init__(self, bank, **changes):
        self.bank, self.changes = bank, changes

    def authorise(self, request):
        answer = self.bank.authorise(request)
        values = {name: change(getattr(answer, name)) for name, change in self.changes.items()}
        fields = ("number", "code", "authorisation_code", "issuer_authentication", "scripts")
        return AuthorisationResponse(**{name: values.get(name, getattr(answer, name)) for name in fields})

    def complete(self, completion):
        self.bank.complete(completion)

    def reverse(self, reversal):
        self.bank.reverse(reversal)


def test_script_with_a_wrong_mac(used):
    order(used, scripts.put_balance(100))
    host = Meddling(used.bank, scripts=lambda raw: raw[:-1] + bytes((raw[-1] ^ 1,)))
    result = used.pay(100, force_online=True, host=host)
    assert (results(result), result.tvr.hex(), result.tsi.hex()) == ([FIRST_FAILED], "0000000810", "fc00")
    assert states(used) == ["failed"]


@pytest.mark.parametrize("raw", ["72", "7203860100FF", "7205860300", "720485028418", "72028600"])
def test_scripts_that_cannot_be_read(used, raw):
    host = Meddling(used.bank, scripts=lambda _: bytes.fromhex(raw))
    result = used.pay(100, force_online=True, host=host)
    assert result.reason is Reason.APPROVED_ONLINE
    assert result.script_results[0][0] in (0x00, FIRST_FAILED)
    assert (result.tvr[4], result.tsi[0] & 0x04) == (0x10, 0x04)


def test_wrong_arpc_is_seen_and_declined_by_the_card(used):
    """ADA byte 1 bit 7 of the product: issuer authentication failed, decline."""
    before = used.account.balance
    host = Meddling(used.bank, issuer_authentication=lambda value: bytes((value[0] ^ 1,)) + value[1:])
    result = used.pay(100, force_online=True, host=host)
    assert (result.reason, result.tvr.hex(), result.tsi.hex()) == (Reason.DECLINED_BY_CARD, "0000000840", "f800")
    assert used.account.balance == before


def test_missing_arpc_is_declined_by_the_card(used):
    before = used.account.balance
    result = used.pay(100, force_online=True, host=Meddling(used.bank, issuer_authentication=lambda _: b""))
    assert (result.reason, result.tvr.hex(), result.tsi.hex()) == (Reason.DECLINED_BY_CARD, "0000000800", "e800")
    assert used.account.balance == before


@pytest.mark.parametrize(("passes", "reason"), [(True, Reason.APPROVED_ONLINE), (False, Reason.DECLINED_BY_ISSUER)])
def test_referral(used, passes, reason):
    """The bank is called by voice, so its answer carries no ARPC here; the card of the product asks for one."""
    host = Meddling(used.bank, code=lambda _: "01")
    result = used.pay(100, force_online=True, host=host, holder=PreparedHolder(("123456",), referral_passes=passes))
    assert result.reason is reason


@given(st.lists(st.binary(min_size=0, max_size=40), max_size=4), st.binary(min_size=4, max_size=4))
def test_templates_are_read_as_written(commands, identifier):
    raw = tlv.build(0x72, tlv.build(0x9F18, identifier), *(tlv.build(0x86, each) for each in commands))
    assert parse_scripts(raw) == (Script(0x72, identifier, tuple(commands)),)


@given(st.binary(max_size=80))
def test_any_bytes_are_scripts_or_malformed(raw):
    assert all(script.template in (0x71, 0x72) for script in parse_scripts(raw))
