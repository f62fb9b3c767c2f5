"""The steps of an issuance that fill the applications beside social security: certificates, and the bank's."""

from __future__ import annotations

from conformance.actors.bank.authority import Authority
from conformance.actors.bank.groupings import DataFile
from conformance.actors.station.certification import Certification, Keys, has_certificates
from conformance.actors.station.desks import IssuerDesk
from conformance.actors.station.financial import FinancialHalf
from conformance.actors.station.outcome import Step
from conformance.actors.station.refusals import Destroyed
from conformance.actors.station.work import Work
from profiles.applications import awaited_directory


def certify(work: Work) -> None:
    """写入证书, and the maker's secrets of the certificate application replaced; begun again, it is done from the beginning."""
    certification = _certification(work)
    if certification is not None:
        certification.issue(again=work.has_begun_before(Step.CERTIFICATES))


def personalise_financial(work: Work) -> None:
    """金融个人化; a chip that acted on the last block in an earlier run has all of it, as reading back will show."""
    if work.bank is None:
        return
    half = _financial(work)
    if not work.has_begun_before(Step.FINANCIAL) or half.is_waiting():
        half.personalise(_data(work, work.bank))


def check_applications(work: Work) -> None:
    """What the station wrote into the other applications reads back as it was meant."""
    certification = _certification(work)
    if certification is not None:
        certification.check()
    if work.bank is not None:
        _financial(work).check(_data(work, work.bank), _authority(work))


def note_what_waits(work: Work) -> None:
    """Say of which applications of the chip this station made nothing."""
    if work.bank is None and awaited_directory(work.equipment.blank) is not None:
        work.note(
            "金融应用待银行个人化",
            "the bank's application waits for its personalisation: no bank, or no account number",
        )
    if work.equipment.certificates is None and has_certificates(work.equipment.blank):
        work.note("数字证书待写入", "the certificate application waits for its certificates")


def _certification(work: Work) -> Certification | None:
    equipment, historical = work.equipment, work.chip.reset()
    if equipment.certificates is None:
        return None
    keys = Keys(equipment.keys(equipment.blank, historical, None), equipment.keys(equipment.product, historical, None))
    return Certification(work.link, equipment.product, work.order, equipment.certificates, keys)


def _financial(work: Work) -> FinancialHalf:
    return FinancialHalf(work.link, work.equipment.product, work.equipment.blank, work.chip.reset())


def _data(work: Work, bank: IssuerDesk) -> DataFile:
    """The bank's data of the card. Asked again, the bank makes new key pairs; everything else stays."""
    try:
        return bank.cards.personalisation(work.order.number, work.equipment.product, _authority(work))
    except ValueError as problem:
        raise Destroyed("银行拒绝提供个人化数据", f"the bank gives no data: {problem}") from problem


def _authority(work: Work) -> Authority:
    return work.equipment.authority or Authority.published()
