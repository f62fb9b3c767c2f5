"""What the bank must do, told in dictionaries: it shares nothing with the bank but the names of its answers."""

from dataclasses import dataclass, field

from .table import E_CASH, START

CODE = {"active": "00", "blocked": "41", "ordered": "21", "switched off": "62", "cancelled": "14"}
PAYROLL, UTILITY, WEALTH = "PAY-1", "GAS-1", "WEALTH-1"


@dataclass
class Change:
    old: str
    new: str = ""
    state: str = "frozen"


@dataclass
class Model:
    """One number with its cards, the account's money, and every answer that was given."""

    balance: int = START
    invested: int = 0
    e_cash: dict = field(default_factory=lambda: {"01": E_CASH})
    cards: dict = field(default_factory=lambda: {"01": "active"})
    changes: dict = field(default_factory=dict)
    returned: dict = field(default_factory=dict)
    """What the account got back, by sequence number."""
    blocked: dict = field(default_factory=dict)
    """Balances of chips that executed the block."""
    seen: dict = field(default_factory=dict)
    verified: set = field(default_factory=set)
    """Changes and cards for which the holder was verified."""
    paid: dict = field(default_factory=dict)
    """Purchases by number: what the account paid."""

    def in_use(self) -> str:
        return next(sequence for sequence, state in self.cards.items() if state in ("active", "blocked"))

    def frozen(self) -> bool:
        return any(change.state in ("frozen", "ordered") for change in self.changes.values())

    def once(self, desk, number, content, act):
        """The first answer for ever, unless the content differs."""
        if (desk, number) not in self.seen:
            self.seen[desk, number] = content, act()
        known, answer = self.seen[desk, number]
        return answer if known == content else "DUPLICATE"

    # Steps

    def freeze(self, number, kind, lost, present):
        """A refusal for want of the holder's proof is forgotten: the same freeze may be asked again with it."""
        present = present and not lost

        def act():
            if number in self.changes:
                return "UNDONE"
            if self.frozen():
                return "FROZEN"
            card = self.in_use()
            if (present or kind == "upgrade") and (not present or (number, card) not in self.verified):
                return "NOT_VERIFIED"
            self.changes[number] = Change(card)
            if lost:
                self.cards[card] = "blocked"
            return "DONE"

        answer = self.once("cards", number, ("freeze", kind, lost, present), act)
        if answer == "NOT_VERIFIED":
            del self.seen["cards", number]
        return self._or_undone(number, answer)

    def verify(self, number, sequence):
        """The card's own holder enters the PIN for a change; a card that may not pay proves nothing."""
        code = CODE[self.cards[sequence]]
        if code == "00":
            self.verified.add((number, sequence))
        return code

    def order(self, number, change):
        def act():
            found = self.changes.get(change)
            if found is None:
                return "NO_SUCH_CHANGE"
            if found.state != "frozen":
                return {"ordered": "DONE_BEFORE", "switched": "SWITCHED", "undone": "UNDONE"}[found.state]
            found.state, found.new = "ordered", f"{len(self.cards) + 1:02d}"
            self.cards[found.new], self.e_cash[found.new] = "ordered", 0
            return "DONE"

        return self._or_undone(change, self.once("cards", number, ("order", change), act))

    def _or_undone(self, change, answer):
        found = self.changes.get(change)
        return "UNDONE" if answer == "DONE" and found and found.state == "undone" else answer

    def switch(self, number, change):
        def act():
            found = self.changes.get(change)
            if found is None or found.state != "ordered":
                state = found and found.state
                return {
                    None: "NO_SUCH_CHANGE",
                    "frozen": "NOT_ORDERED",
                    "switched": "DONE_BEFORE",
                    "undone": "UNDONE",
                }[state]
            found.state = "switched"
            self.cards[found.old], self.cards[found.new] = "switched off", "active"
            return "DONE"

        return self.once("cards", number, ("switch", change), act)

    def undo(self, number, change):
        def act():
            found = self.changes.setdefault(change, Change("", state="unknown"))
            if found.state in ("switched", "undone"):
                return {"switched": "SWITCHED", "undone": "DONE_BEFORE"}[found.state]
            found.state = "undone"
            if found.new:
                self.cards[found.new] = "cancelled"
            return "DONE"

        return self.once("cards", number, ("undo", change), act)

    def give_back(self, number, sequence, without_chip):
        def act():
            if sequence not in self.cards:
                return "NO_SUCH_CARD"
            if self.cards[sequence] not in ("switched off", "cancelled"):
                return "STILL_IN_USE"
            if sequence in self.returned:
                return "DONE_BEFORE"
            if not without_chip and sequence not in self.blocked:
                return "CHIP_AT_LARGE"
            held = self.e_cash[sequence]
            amount = held if without_chip else min(held, self.blocked[sequence])
            self.e_cash[sequence] -= amount
            self.balance += amount
            self.returned[sequence] = amount
            return "DONE"

        return self.once("cards", number, ("give back", sequence, without_chip), act)

    def lose(self, number, found):
        def act():
            if self.frozen():
                return "FROZEN"
            card, wanted = self.in_use(), "active" if found else "blocked"
            if self.cards[card] == wanted:
                return "DONE_BEFORE"
            self.cards[card] = wanted
            return "DONE"

        return self.once("cards", number, ("lose", found), act)

    # Money

    def book(self, number, side, agreement, amount):
        def act():
            if (side, agreement) in (("credit", UTILITY), ("debit", PAYROLL)):
                return "NOT_AGREED"
            if side == "debit" and amount > self.balance:
                return "UNCOVERED"
            if side == "credit" and agreement == WEALTH and amount > self.invested:
                return "UNCOVERED"
            signed = amount if side == "credit" else -amount
            self.balance += signed
            if agreement == WEALTH:
                self.invested -= signed
            return "BOOKED"

        return self.once("agreements", number, (side, agreement, amount), act)

    def purchase(self, number, sequence, amount):
        code = CODE[self.cards[sequence]]
        if code == "00" and amount > self.balance:
            code = "51"
        self.paid[number] = amount if code == "00" else 0
        self.balance -= self.paid[number]
        return code

    def reverse(self, number):
        self.balance += self.paid[number]
        self.paid[number] = 0

    def clear(self, sequence, amount):
        """E-cash pays; what went back to the account already is taken from there."""
        if amount <= self.e_cash[sequence]:
            self.e_cash[sequence] -= amount
        elif sequence in self.returned and amount <= self.balance:
            self.balance -= amount
        else:
            return "UNCOVERED"
        return "SETTLED"
