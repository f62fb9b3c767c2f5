"""The format: what is written is read back, and what is nonsense is one clear error."""

import json
import typing
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from enum import Enum
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.bank import AuthorisationRequest, TransactionKind
from conformance.actors.hosts.authority import authority_service
from conformance.actors.hosts.bank import bank_service
from conformance.actors.hosts.centre import centre_service
from conformance.actors.hosts.keys import keys_service
from conformance.actors.hosts.wire import WireError, form_of, format_message, parse
from profiles import load

from .forms import JSON, values
from .world import KINDS

OPERATIONS = [
    (kind, desk, operation) for kind in KINDS for desk in kind.desks for operation in desk.operations().values()
]
IDS = [f"{kind.name}/{desk.desk}.{operation.name}" for kind, desk, operation in OPERATIONS]


def hints_of(operation):
    hints = typing.get_type_hints(operation._method)
    return [hints[name] for name in operation.parameters], hints["return"]


@pytest.mark.parametrize(("kind", "desk", "operation"), OPERATIONS, ids=IDS)
def test_every_operation_is_written_and_read_back(kind, desk, operation):
    parameters, answer = hints_of(operation)

    @given(st.tuples(*(values(each) for each in (*parameters, answer))))
    def rounds(row):
        for hint, value in zip((*parameters, answer), row, strict=True):
            form = form_of(hint)
            assert form.read(parse(format_message(form.write(value, "it"))), "it") == value

    rounds()


def test_form_is_the_documented_one():
    request = AuthorisationRequest("7", TransactionKind.CASH, "621", "01", 500, "0156", b"\x9a\x01", b"")
    assert json.loads(format_message(form_of(AuthorisationRequest).write(request, ""))) == {
        "number": "7",
        "kind": "CASH",
        "pan": "621",
        "sequence": "01",
        "amount": 500,
        "currency": "0156",
        "chip_data": "9A01",
        "pin_block": "",
        "reference": "",
    }
    assert form_of(date).write(date(2026, 11, 26), "") == "2026-11-26"
    assert form_of(datetime).write(datetime(2026, 11, 26, 12, 0), "") == "2026-11-26T12:00:00"


@pytest.mark.parametrize(
    ("hint", "raw"),
    [
        (int, True),
        (int, 1.0),
        (int, 2**63),
        (bool, 0),
        (str, 1),
        (str, "\ud800"),
        (bytes, "9a"),
        (bytes, "9"),
        (bytes, "9A 01"),
        (date, "2026-13-01"),
        (date, "20261126"),
        (date, 5),
        (datetime, "2026-11-26"),
        (TransactionKind, "PURCHASES"),
        (TransactionKind, 0),
        (tuple[int, str], [1]),
        (tuple[int, ...], {"0": 1}),
        (list[int], [1, "2"]),
        (AuthorisationRequest, {"number": "7"}),
        (int | None, ""),
        (dict[str, str], {"a": 1}),
    ],
)
def test_what_is_of_another_type_is_refused(hint, raw):
    with pytest.raises(WireError):
        form_of(hint).read(raw, "it")


def test_a_member_more_is_refused():
    form = form_of(AuthorisationRequest)
    written = form.write(AuthorisationRequest("7", TransactionKind.CASH, "1", "1", 5, "0156", b""), "")
    with pytest.raises(WireError, match="it is no object with"):
        form.read({**written, "more": 1}, "it")


def test_errors_never_repeat_a_value():
    form = form_of(AuthorisationRequest)
    written = form.write(AuthorisationRequest("7", TransactionKind.CASH, "1", "1", 5, "0156", b""), "")
    with pytest.raises(WireError) as raised:
        form.read({**written, "amount": "6214980000000001235"}, "request")
    assert str(raised.value) == "request.amount is no whole number"


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_value_or_one_error(body):
    with suppress(WireError):
        parse(body)


@pytest.mark.parametrize("body", [b'{"a":1,"a":2}', b"1.5", b"NaN", b"[" * 100_000, b"\xff", b"", b"9" * 5000])
def test_json_that_says_too_little_or_too_much_is_refused(body):
    with pytest.raises(WireError):
        parse(body)


class Colour(Enum):
    RED = 1


def test_values_of_another_type_are_not_written():
    for hint, value in ((Colour, 1), (bytes, "9A"), (int, "1"), (date, datetime(2026, 1, 1)), (tuple[int, int], (1,))):
        with pytest.raises(WireError):
            form_of(hint).write(value, "it")


def test_a_type_without_form_is_a_mistake_of_the_program():
    for hint in (float, set[int], int | str, dict[int, int]):
        with pytest.raises(TypeError, match="has no form"):
            form_of(hint)


DEBIT, SOCIAL_SECURITY = load("debit"), load("ssc3-sm4")
SERVICES = [
    lambda: bank_service([DEBIT]),
    lambda: centre_service(SOCIAL_SECURITY),
    lambda: keys_service({"ssc3-sm4": SOCIAL_SECURITY}),
    authority_service,
]


@given(
    st.sampled_from(SERVICES),
    st.sampled_from([*(name.split("/")[1].lstrip(".") for name in IDS), "", "nothing", "cards.", "__init__"]),
    st.binary(max_size=60)
    | st.builds(lambda number, arguments: json.dumps({"number": number, "arguments": arguments}).encode(), JSON, JSON),
)
def test_any_request_gets_one_clear_answer(make, path, body):
    service = make()
    answer = service.answer(f"/v1/{service.kind.name}/{path}", body)
    assert answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.OK)
    if answer.status != HTTPStatus.OK:
        assert list(parse(answer.body)) == ["error"]


@given(st.data())
def test_well_formed_requests_of_any_content_never_break_a_host(data):
    """The host answers, or the actor says no: whatever the values, nothing fails inside."""
    service = data.draw(st.sampled_from(SERVICES))()
    desk = data.draw(st.sampled_from(service.kind.desks))
    operation = data.draw(st.sampled_from(list(desk.operations().values())))
    arguments = {
        name: form.write(data.draw(values(hint)), name)
        for (name, form), hint in zip(operation.parameters.items(), hints_of(operation)[0], strict=True)
    }
    message = {"number": "1", "arguments": arguments}
    if desk.subject_type is not None:
        subject = data.draw(values(desk.subject_type))
        subject = replace(subject, product=data.draw(st.sampled_from(["ssc3-sm4", "other"])))
        message["subject"] = form_of(desk.subject_type).write(subject, "subject")
    path = f"{desk.desk}.{operation.name}".lstrip(".")
    answer = service.answer(f"/v1/{service.kind.name}/{path}", format_message(message))
    assert answer.status in (HTTPStatus.OK, HTTPStatus.UNPROCESSABLE_ENTITY), answer.body
