"""Offline pre-authorisation 脱机预授权 and completion 预授权完成 (area PAY-CAP): what is frozen, refused and settled."""

from __future__ import annotations

from conformance.actors.bank.scripts import put_balance
from conformance.actors.sector import SectorRecord
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Loss, Suite
from conformance.extended_dialogue import (
    BALANCE_LIMIT,
    COMPLETION,
    CRYPTOGRAM,
    PRE_AUTHORISATION,
    Place,
    Ride,
    altered,
    at_the_bank,
    kept,
    opened,
    settings,
    sum_of,
)
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_answers import (
    FORMAT_2,
    objects_of,
)
from conformance.payment_dialogue import (
    ARQC,
    BALANCE,
    Visit,
    declared_number,
)
from conformance.targets.base import Interface
from emulator.iso7816 import SW

SUITE = Suite(
    "extended application freezing",
    "扩展应用预授权",
    "Payment: extended application, pre-authorisation",
    interface=Interface.CONTACTLESS,
)

HELD, SPENT = 600, 350
MOST = 3
OWN = bytes.fromhex("0A0C")


def _place(ride: Ride) -> Place:
    """A record for pre-authorisations, or the first one."""
    return next((place for place in ride.places if place.kind == PRE_AUTHORISATION), ride.first_place)


def _funded(ride: Ride) -> int:
    """The balance, which must allow what the cases hold back."""
    balance = sum_of(ride.bench, BALANCE)
    if balance < 2 * HELD:
        raise Inconclusive("余额不足", "the balance is too small")
    return balance


@SUITE.case(
    "PAY-CAP/hold/BV",
    "预授权冻结金额",
    "A pre-authorisation freezes its amount",
    requirements=["PAY-CAP-021", "PAY-CAP-030"],
    kind=Kind.VALID,
    expected=(
        "应答无 9F26，余额减少冻结金额，交易证明为 8 字节 0",
        "no 9F26 in the answer, the balance lower by the amount, eight zero bytes as proof",
    ),
)
def hold(bench: Bench) -> None:
    """Before the last record the balance is as it was."""
    ride = Ride(bench).open()
    place = _place(ride)
    with kept(ride):
        balance = _funded(ride)
        record = ride.look(place)
        answer = bench.expect(
            ride.send_start(PRE_AUTHORISATION, HELD, place),
            GOOD,
            "预授权",
            "pre-authorisation",
            requirement="PAY-CAP-021",
        )
        shown = objects_of(answer.data, FORMAT_2)
        bench.check(
            CRYPTOGRAM not in shown,
            "应答中无 TC",
            "no TC in the answer",
            expected="no 9F26",
            received=answer.data,
            requirement="PAY-CAP-021",
        )
        ride.counter = shown.get(0x9F36, b"\0\0")
        ride.update(place, record)
        ride.finish()
        _balance(bench, balance - HELD, "PAY-CAP-021")
        proof = bench.expect(ride.prove(ride.counter), GOOD, "取交易证明", "GET TRANS PROVE", requirement="PAY-CAP-030")
        bench.check(
            proof.data == bytes(8),
            "交易证明",
            "the proof",
            expected=bytes(8),
            received=proof.data,
            requirement="PAY-CAP-030",
        )


@SUITE.case(
    "PAY-CAP/settle/BV",
    "预授权完成后的余额",
    "Balance after a completion",
    requirements=["PAY-CAP-025"],
    kind=Kind.VALID,
    expected=("余额 = 原余额 + 冻结金额 − 完成金额", "old balance + frozen amount − amount of the completion"),
)
def settle(bench: Bench) -> None:
    """Less than was held, and more."""
    ride = Ride(bench).open()
    place = _place(ride)
    with kept(ride):
        balance = _funded(ride)
        for spent in (SPENT, HELD + 1):
            ride.whole(PRE_AUTHORISATION, HELD, place)
            ride.whole(COMPLETION, spent, place)
            balance -= spent
            _balance(bench, balance, "PAY-CAP-025")


@SUITE.case(
    "PAY-CAP/hold-repeated/BI",
    "同一记录的重复预授权",
    "A second pre-authorisation of the same record",
    requirements=["PAY-CAP-023"],
    kind=Kind.INVALID,
    expected=("6972", "6972"),
)
def repeated(bench: Bench) -> None:
    """Straight after the first, and after a reset."""
    ride = Ride(bench).open()
    place = _place(ride)
    with kept(ride):
        _funded(ride)
        ride.whole(PRE_AUTHORISATION, HELD, place)
        for zh, en in (("紧接着", "straight after"), ("复位后", "after a reset")):
            answer = ride.send_start(PRE_AUTHORISATION, HELD, place)
            bench.expect(answer, SW.PRE_AUTHORISATION_REPEATED, zh, en, requirement="PAY-CAP-023")
            ride.come_back()


@SUITE.case(
    "PAY-CAP/hold-fourth/BI",
    "第四笔预授权",
    "A fourth pre-authorisation",
    requirements=["PAY-CAP-022"],
    kind=Kind.INVALID,
    destructive=True,
    loss=Loss.PART,
    expected=("前三笔批准，第四笔 6971", "three are approved, the fourth gives 6971"),
)
def fourth(bench: Bench) -> None:
    """Records are opened where the card has too few."""
    ride = Ride(bench).open()
    places = list(ride.places)
    ride.start()
    key = ride.management_key(ride.first_place)
    while len(places) <= MOST:
        identifier = OWN[:1] + bytes((OWN[1] + len(places),))
        record = SectorRecord(identifier, PRE_AUTHORISATION, bytes(4))
        places.append(opened(bench, ride.first_place, record, key))
    ride.places = places
    with kept(ride.come_back()):
        for place in places[:MOST]:
            record = ride.look(place)
            answer = ride.send_start(PRE_AUTHORISATION, 1, place)
            bench.expect(answer, GOOD, "前三笔", "one of the first three", requirement="PAY-CAP-022")
            ride.counter = objects_of(answer.data, FORMAT_2).get(0x9F36, b"\0\0")
            ride.update(place, record)
            ride.finish()
        answer = ride.send_start(PRE_AUTHORISATION, 1, places[MOST])
        bench.expect(answer, SW.PRE_AUTHORISATION_SLOTS_FULL, "第四笔", "the fourth", requirement="PAY-CAP-022")


@SUITE.case(
    "PAY-CAP/settle-nothing/BO",
    "无预授权的完成",
    "A completion of nothing",
    requirements=["PAY-CAP-024"],
    kind=Kind.INOPPORTUNE,
    expected=("6973", "6973"),
)
def settle_nothing(bench: Bench) -> None:
    """No pre-authorisation at all, one of another record, and one that is completed already."""
    ride = Ride(bench).open()
    place = _place(ride)
    with kept(ride):
        _funded(ride)
        _nothing(bench, ride, place, "没有预授权", "none at all")
        others = [each for each in ride.places if each != place]
        if others:
            ride.whole(PRE_AUTHORISATION, HELD, place)
            _nothing(bench, ride, others[0], "另一记录的预授权", "one of another record")
            ride.whole(COMPLETION, 0, place)
            _nothing(bench, ride, place, "已完成的预授权", "one that is completed")


def _nothing(bench: Bench, ride: Ride, place: Place, zh: str, en: str) -> None:
    answer = ride.send_start(COMPLETION, 0, place)
    bench.expect(answer, SW.PRE_AUTHORISATION_MISSING, zh, en, requirement="PAY-CAP-024")


@SUITE.case(
    "PAY-CAP/hold-without-update/BI",
    "未更新记录的预授权",
    "A pre-authorisation without update",
    requirements=["PAY-CAP-026"],
    kind=Kind.INVALID,
    expected=(
        "最后一条记录为 6974，余额不变，无预授权",
        "6974 to the last record, the balance as before and nothing frozen",
    ),
)
def without_update(bench: Bench) -> None:
    """No update at all, and one of another record."""
    ride = Ride(bench).open()
    place = _place(ride)
    with kept(ride):
        balance = _funded(ride)
        for other in (None, next((each for each in ride.places if each != place), None)):
            record = ride.look(other) if other else None
            ride.start(PRE_AUTHORISATION, HELD, place)
            if other and record:
                ride.send_update(other, altered(record))
            answer = ride.send_last()
            bench.expect(
                answer,
                SW.RECORD_NOT_UPDATED,
                "读最后一条记录",
                "READ RECORD of the last record",
                requirement="PAY-CAP-026",
            )
            ride.come_back()
            _balance(bench, balance, "PAY-CAP-026")
            answer = ride.send_start(COMPLETION, 0, place)
            bench.expect(answer, SW.PRE_AUTHORISATION_MISSING, "未冻结", "nothing is frozen", requirement="PAY-CAP-026")


@SUITE.case(
    "PAY-CAP/load-with-hold/BI",
    "有冻结金额时的圈存上限",
    "A load beside frozen amounts",
    requirements=["PAY-CAP-027"],
    kind=Kind.INVALID,
    expected=(
        "余额与冻结金额之和超过 9F77 被拒绝，等于则接受",
        "refused where balance and frozen amount exceed 9F77, accepted where they reach it",
    ),
)
def load_with_hold(bench: Bench) -> None:
    """One above the limit, then the limit itself."""
    ride = Ride(bench).open()
    place = _place(ride)
    limit = declared_number(bench.profile, BALANCE_LIMIT)
    with kept(ride):
        _funded(ride)
        ride.whole(PRE_AUTHORISATION, HELD, place)
        refusal = int(settings(bench.profile).put_data_limit_answer, 16)
        with at_the_bank(bench) as visit:
            above = visit.send_script(put_balance(limit - HELD + 1))
            bench.expect(
                above, Expectation((refusal,)), "超过 1 分", "one above", requirement="PAY-CAP-027", go_on=True
            )
        with at_the_bank(bench) as visit:
            reached = visit.send_script(put_balance(limit - HELD))
            bench.expect(reached, GOOD, "等于上限", "the limit itself", requirement="PAY-CAP-027")
        ride.come_back()


@SUITE.case(
    "PAY-CAP/hold-shown/BV",
    "冻结金额在余额中的体现",
    "Where frozen amounts show",
    requirements=["PAY-CAP-028"],
    kind=Kind.VALID,
    expected=(
        "9F10 的余额含冻结金额，GET DATA 9F79 不含",
        "the balance in 9F10 includes them, that of GET DATA does not",
    ),
)
def shown(bench: Bench) -> None:
    """A contact transaction beside an open pre-authorisation."""
    ride = Ride(bench).open()
    place = _place(ride)
    with kept(ride):
        _funded(ride)
        ride.whole(PRE_AUTHORISATION, HELD, place)
        bench.switch(Interface.CONTACT)
        visit = Visit(bench).open()
        balance = sum_of(bench, BALANCE)
        made = visit.begin().first(ARQC)
        if made.data is None or made.data.balance is None:
            bench.switch(Interface.CONTACTLESS)
            raise NotApplicable("9F10 不含余额", "9F10 of this card tells no balance")
        told = made.data.balance
        bench.switch(Interface.CONTACTLESS)
        bench.check(
            told == balance + HELD,
            "9F10 中的余额",
            "balance in 9F10",
            expected=balance + HELD,
            received=told,
            requirement="PAY-CAP-028",
        )
        ride.come_back()


def _balance(bench: Bench, expected: int, requirement: str) -> None:
    now = sum_of(bench, BALANCE)
    bench.check(
        now == expected, "电子现金余额", "e-cash balance", expected=expected, received=now, requirement=requirement
    )
