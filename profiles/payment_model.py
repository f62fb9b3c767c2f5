"""The typed form of a payment application in a profile file: its transactions, certificates, algorithm sets, personalisation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from profiles.fields import HexByte, HexBytes, Table
from profiles.payment_keys import AuthorityBits
from profiles.payment_settings import PaymentSettings

PathName = Literal["ordinary", "e-cash", "contactless", "qPBOC"]
"""Kinds of transaction: two on the contacts, contactless debit and credit, and quick debit and credit (qPBOC)."""


class TransactionPath(Table):
    """What GET PROCESSING OPTIONS answers for a kind of transaction."""

    aip: Annotated[HexBytes, Field(min_length=2, max_length=2)]
    """应用交互特征 82."""
    afl: Annotated[HexBytes, Field(max_length=252)]
    """应用文件定位器 94: SFI·8, first and last record, how many of them are authenticated; four bytes an entry."""


class TestCertification(Table):
    """Which published test keys certify the application (`payment-test-keys.toml`); never use them on a real card."""

    scheme: Literal["RSA", "SM2"]
    authority_bits: AuthorityBits = 1408
    """Length of the RSA key of the authority: with 1408 issuer and card have 1152 and 1024 bits, with 1984 they have 1984 and 1152."""
    code: Annotated[HexBytes, Field(min_length=2, max_length=2)] = bytes.fromhex("DAC5")
    """Data authentication code 数据认证码 in the signed static data."""
    expiry: Annotated[HexBytes, Field(min_length=2, max_length=2)]
    """MMYY of both certificates."""


class ContactlessPayment(Table):
    """What a payment application has for its contactless interface alone."""

    data: dict[str, str]
    """Data objects that take the place of those of the contact interface, or exist there alone: PDOL 9F38 above all."""


class SmPayment(Table):
    """What a payment application of two algorithm sets 双算法 has for a transaction with SM2, SM3 and SM4 (JR/T 0025.17 §10).

    DF69 of the terminal chooses the set. Counters, balances, PIN and every data object that is not named here are shared.
    """

    data: dict[str, str]
    """9F10 of the contact interface."""
    path: dict[PathName, TransactionPath]
    """The same kinds of transaction as the other set has."""
    certification: TestCertification
    contactless: ContactlessPayment | None = None
    """9F10 of the contactless interface."""


class Payment(Table):
    """What a payment application has besides files, keys, PIN and data objects."""

    algorithm: Literal["3DES", "SM4"] | None = None
    """Block cipher of its keys, of the set without SM algorithms where it has two; absent: that of the card."""
    path: dict[PathName, TransactionPath]
    allowed: dict[str, Annotated[tuple[HexBytes, ...], Field(strict=False)]] = Field(default_factory=dict)
    """Conditions of use: the values of PDOL objects, by tag, with which a transaction may begin."""
    certification: TestCertification | None = None
    contactless: ContactlessPayment | None = None
    sm: SmPayment | None = None
    """The second algorithm set of a dual-algorithm card; absent: the application has one set."""
    settings: PaymentSettings = PaymentSettings()


PERSONALISATION = "payment personalisation"
"""Application of a directory that becomes a payment application by personalisation."""


class Personalisation(Table):
    """How a payment application is personalised after the chip left its maker (JR/T 0025.10 §8.2)."""

    kmc: str
    """Name of the personalisation master key KMC 个人化主密钥, a key of the directory."""
    kmc_identifier: Annotated[HexBytes, Field(min_length=6, max_length=6)]
    """KMC标识: the first six bytes of KEYDATA, such as the issuer identification number filled with F."""
    key_version: HexByte = b"\x01"
    algorithm: Literal["3DES", "SM4"] | None = None
    """Block cipher of the channel and of the application; absent: that of the card."""
    product: str | None = None
    """Card product, by name or as a profile file, whose data groupings the suites store."""
    settings: PaymentSettings = PaymentSettings()
