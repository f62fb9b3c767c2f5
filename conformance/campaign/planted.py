"""Faults planted into flows, by which the rules show that they can break: no campaign is believed that finds none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.actors.medical.messages import Clearing, Confirmation, InsuranceHost, OfflineUpload
from conformance.actors.medical.outbox import Outbox
from conformance.actors.station.outcome import Return
from conformance.campaign.flows.persons import B
from conformance.campaign.planted_systems import FAULTS
from conformance.campaign.planting import Planted, override, when_opened
from conformance.campaign.world import Flow


def plant(flow: Flow, name: str) -> None:
    """Plant a fault into a flow; KeyError for an unknown one, ValueError for one of another flow."""
    planted = PLANTED[name]
    if planted.flow != flow.name:
        raise ValueError(f"{name} is a fault of the flow {planted.flow}")
    planted.change(flow)


# The bank and the station


def _leaves_the_old_card_on(flow: Any) -> None:
    def loosen(bank: Any) -> None:
        run = bank.ledger.run
        for index in ("one_card_active", "one_card_in_use"):
            run(f"DROP INDEX {index}")
            run(f"CREATE INDEX {index} ON card (pan)")
        run("DROP TRIGGER switch_cards")
        run(
            "CREATE TRIGGER switch_cards AFTER UPDATE OF state ON change WHEN NEW.state = 'switched' BEGIN "
            "UPDATE card SET state = 'active' WHERE pan = NEW.new_pan AND sequence = NEW.new_sequence; END"
        )

    when_opened(flow, "open_bank", loosen)


def _switches_off_early(flow: Any) -> None:
    def loosen(bank: Any) -> None:
        run = bank.ledger.run
        run("DROP TRIGGER frozen_cards")
        run("CREATE TRIGGER frozen_cards BEFORE UPDATE OF state ON card WHEN 0 BEGIN SELECT 1; END")

        def order(real: Any, *given: Any, **more: Any) -> Any:
            answer = real(*given, **more)
            run("UPDATE card SET state = 'blocked' WHERE pan = '6214980000000001235' AND state = 'active'")
            return answer

        override(bank.cards, "order", order)

    when_opened(flow, "open_bank", loosen)


def _books_wages_twice(flow: Any) -> None:
    def loosen(bank: Any) -> None:
        def credit(real: Any, number: str, *given: Any) -> Any:
            real(f"{number} again", *given)
            return real(number, *given)

        override(bank.agreements, "credit", credit)

    when_opened(flow, "open_bank", loosen)


LEFT_OUT = ("CLOSE", "READ_BACK")


def _leaves_chips_open(flow: Any) -> None:
    def skip(journal: Any) -> None:
        override(journal, "is_done", lambda real, number, step: step.name in LEFT_OUT or real(number, step))

    when_opened(flow, "open_journal", skip)


def _forgets_certificates(flow: Any) -> None:
    def forget(station: Any) -> None:
        station.equipment = replace(station.equipment, certificates=None)

    when_opened(flow, "station", forget)


def _keeps_persons_in_its_journal(flow: Any) -> None:
    def tell(journal: Any) -> None:
        def begin(real: Any, order: Any, *more: Any) -> None:
            real(order, *more)
            journal.run("UPDATE request SET reason = ? WHERE number = ?", order.name, order.number)

        override(journal, "begin", begin)

    when_opened(flow, "open_journal", tell)


def _mixes_orders_up(flow: Any) -> None:
    def mix(station: Any) -> None:
        def issue(real: Any, order: Any, *more: Any) -> Any:
            return real(replace(order, values={**order.values, "09": B.name}), *more)

        override(station, "issue", issue)

    when_opened(flow, "station", mix)


def _gives_up_at_once(flow: Any) -> None:
    def forget(station: Any) -> None:
        def resume(real: Any, order: Any, *more: Any) -> Any:
            station.journal.complete(order.number, Return(order.number, "", "", "", "", ""))
            return real(order, *more)

        override(station, "resume", resume)

    when_opened(flow, "station", forget)


# The hospital


class _NeverReverses(Outbox):
    """A reversal is not sent, and not kept."""

    def reverse(self, number: str, centre: InsuranceHost) -> bool:
        """Nothing is done."""
        return True


class _ForgetsSettlements(Outbox):
    """A settlement that does not come through is not sent again."""

    def deliver(self, centre: InsuranceHost) -> list[Clearing]:
        """Once, and never again."""
        answers = super().deliver(centre)
        self.settlements.clear()
        return answers


def _outbox(made: Callable[[], Outbox], of: Callable[[Any], Any]) -> Callable[[Any], None]:
    def change(thing: Any) -> None:
        of(thing).outbox = made()

    return change


def _makes_no_entry_before(stage: str) -> Callable[[Any], None]:
    """An outbox that forgets one stage; the entry stays what it was before."""

    def forget(outbox: Any) -> None:
        def keep(real: Any, box: str, number: str, reached: str, content: str = "") -> None:
            if reached != stage:
                real(box, number, reached, content)

        override(outbox, "keep", keep)

    return lambda flow: when_opened(flow, "open_outbox", forget)


def _books_twice(flow: Any) -> None:
    def loosen(centre: Any) -> None:
        def settle(real: Any, message: Confirmation | OfflineUpload) -> Clearing:
            before = centre.books.settlement(message.number)
            answer: Clearing = real(message)
            if before is not None and before.state == "cleared":
                with centre.books.transaction():
                    centre.books.move("fund", "hospitals", before.fund, before.number, "fund")
            return answer

        override(centre, "settle", settle)

    when_opened(flow, "open_centre", loosen)


def _ends_an_agreement(flow: Any) -> None:
    def loosen(bank: Any) -> None:
        def authorise(real: Any, request: Any) -> Any:
            bank.ledger.run("UPDATE agreement SET ended = 1 WHERE number = 'GAS-1'")
            return real(request)

        override(bank, "authorise", authorise)

    when_opened(flow, "open_bank", loosen)


def _blocks_on_repetition(flow: Any) -> None:
    def loosen(bank: Any) -> None:
        def authorise(real: Any, request: Any) -> Any:
            if bank.ledger.request(request.number) is not None:
                bank.ledger.block(bank.account(request.pan, request.sequence))
            return real(request)

        override(bank, "authorise", authorise)

    when_opened(flow, "open_bank", loosen)


def _says_numbers(flow: Any) -> None:
    def tell(desk: Any) -> None:
        def settle(real: Any, visit: Any, **more: Any) -> Any:
            result = real(visit, **more)
            return replace(result, en=f"settled for {result.medical.person}")

        override(desk, "settle", settle)

    when_opened(flow, "desk", tell)


PLANTED: Mapping[str, Planted] = {
    "bank.leaves-the-old-card-on": Planted(
        *("upgrade", (1, 8), "银行切换时不停用旧卡", "the bank's switch leaves the old card on"),
        _leaves_the_old_card_on,
    ),
    "bank.switches-off-early": Planted(
        *("upgrade", (3,), "登记新卡时即停用旧卡", "the bank switches the old card off when the new one is ordered"),
        _switches_off_early,
    ),
    "bank.books-wages-twice": Planted(
        *("upgrade", (2,), "工资重复入账", "the bank books wages twice"), _books_wages_twice
    ),
    "station.leaves-chips-open": Planted(
        *("issue", (4, 7), "设备不关闭芯片、不回读即交付", "the station neither closes chips nor reads them back"),
        _leaves_chips_open,
        ("SSC-ISS-003", "SSC-ISS-012"),
    ),
    "station.forgets-certificates": Planted(
        *("issue", (4,), "不写证书即交付", "the station hands cards out without certificates"), _forgets_certificates
    ),
    "station.keeps-persons": Planted(
        *("issue", (6,), "流水中保存姓名明文", "the station's journal keeps names in clear"),
        _keeps_persons_in_its_journal,
    ),
    "station.mixes-orders": Planted(
        *("issue", (6,), "制卡数据串户", "the station writes another person's name onto a card"), _mixes_orders_up
    ),
    "station.completes-on-resume": Planted(
        *("issue", (4,), "恢复时直接记为完成", "the station calls a request completed when it is begun again"),
        _gives_up_at_once,
    ),
    "terminal.never-reverses": Planted(
        *("visit", (4,), "终端不发冲正", "the terminal takes no quote back"),
        lambda flow: when_opened(flow, "desk", _outbox(_NeverReverses, lambda desk: desk.terminal)),
    ),
    "terminal.forgets-settlements": Planted(
        *("medical", (4, 5), "终端丢弃未送达的结算", "the terminal forgets a settlement that did not come through"),
        lambda flow: when_opened(flow, "terminal", _outbox(_ForgetsSettlements, lambda terminal: terminal)),
        ("SSC-TERM-006",),
    ),
    "terminal.no-entry-before-debit": Planted(
        *("medical", (5,), "扣款前不写待发箱", "the terminal makes no entry in its outbox before DEBIT"),
        _makes_no_entry_before("debit"),
    ),
    "till.no-entry-before-authorisation": Planted(
        *("payment", (2,), "授权前不写待发箱", "the till makes no entry in its outbox before it asks the bank"),
        _makes_no_entry_before("reversal"),
    ),
    "desk.no-entry-before-payment": Planted(
        *("visit", (4,), "支付前不写待发箱", "the desk makes no entry in its outbox before the card pays"),
        _makes_no_entry_before("paying"),
    ),
    "centre.books-twice": Planted(
        *("medical", (2, 5), "中心重复记账", "the centre books a settlement again that comes twice"),
        _books_twice,
        ("SSC-CTR-007",),
    ),
    "bank.ends-an-agreement": Planted(
        *("visit", (2,), "银行终止签约", "the bank ends an agreement when the card pays"), _ends_an_agreement
    ),
    "bank.blocks-on-repetition": Planted(
        *("visit", (3,), "重复请求时冻结账户", "the bank blocks an account whose request comes twice"),
        _blocks_on_repetition,
    ),
    "terminal.says-numbers": Planted(
        *("visit", (6,), "终端日志含身份号码", "the terminal says the holder's number"), _says_numbers
    ),
    **FAULTS,
}
