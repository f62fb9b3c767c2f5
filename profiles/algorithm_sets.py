"""The algorithm sets of a payment application: one, or, on a dual-algorithm card 双算法卡, two (JR/T 0025.17 §10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from profiles.model import Profile
from profiles.payment_content import COMPUTED, COMPUTED_SM
from profiles.payment_model import PathName, TestCertification, TransactionPath


class AlgorithmSet(NamedTuple):
    """What an application has for the transactions that run with these algorithms."""

    algorithm: str
    """Block cipher of the keys: ``3DES`` goes with RSA and SHA-1, ``SM4`` with SM2 and SM3."""
    second: bool
    """Whether DF69 of the terminal has to ask for it."""
    path: Mapping[PathName, TransactionPath]
    certification: TestCertification | None

    @property
    def place(self) -> str:
        """Where it stands in the directory of the profile."""
        return "payment.sm" if self.second else "payment"

    @property
    def computed(self) -> str:
        """Mark of its certificates and signatures in the records of the profile."""
        return COMPUTED_SM if self.second else COMPUTED

    def keys(self, profile: Profile, name: str) -> dict[str, str]:
        """The names of the keys of this set in the directory ``name`` by their use."""
        directory = profile.directory[name]
        own = (directory.payment.algorithm if directory.payment else None) or profile.algorithm
        held = directory.key.items()
        return {key.use: key_name for key_name, key in held if (key.algorithm or own) == self.algorithm}


def algorithm_sets(profile: Profile, name: str) -> tuple[AlgorithmSet, ...]:
    """The sets of the application in the directory ``name``, the one with SM algorithms second; none of a directory without."""
    payment = profile.directory[name].payment
    if payment is None:
        return ()
    first = AlgorithmSet(payment.algorithm or profile.algorithm, False, payment.path, payment.certification)
    if payment.sm is None:
        return (first,)
    return first, AlgorithmSet("SM4", True, payment.sm.path, payment.sm.certification)
