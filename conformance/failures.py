"""How a test case ends other than well."""

from __future__ import annotations


class CardFailure(AssertionError):
    """The card did not do what a requirement asks."""

    def __init__(self, requirement: str | None, zh: str, en: str, expected: str, received: str) -> None:
        super().__init__(f"{requirement or 'check'}: {en} (expected {expected}, received {received})")
        self.requirement = requirement
        self.zh = zh
        self.en = en
        self.expected = expected
        self.received = received


class Inconclusive(Exception):
    """The case could not reach the point at which it judges, such as a preamble that the card refused."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class NotApplicable(Exception):
    """The card does not have what the case is about."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class NotRun(Exception):
    """The bench may not or cannot do what the case needs, such as a destructive step on a card that must survive."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class BenchError(Exception):
    """The bench failed, not the card: no reader, no card, a lost connection."""
