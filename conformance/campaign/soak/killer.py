"""Kills (SIGKILL) at random moments: stations, cards, and hosts, which are started again on the same books."""

from __future__ import annotations

import random
import threading
from collections import Counter

from conformance.campaign.soak.city import KINDS, City
from conformance.campaign.soak.orders import Orders
from conformance.campaign.soak.visits import Terminals

VICTIMS = ("station",) * 5 + ("card",) * 4 + ("bank",) * 2 + ("centre",) * 2 + ("keys", "authority")
PAUSES = 0.3, 1.6
"""Seconds between two kills, at least and at most."""
STARTING = 0.2
"""How often a station may be struck while its program starts."""
DEAD = 0.5
"""Seconds for which a host is dead, at most, before it is started again."""


class Killer:
    """Works in a thread of its own until it is told to rest."""

    def __init__(self, city: City, orders: Orders, terminals: Terminals, seed: int) -> None:
        self.city, self.orders, self.terminals = city, orders, terminals
        self.kills: Counter[str] = Counter()
        self._chance = random.Random(f"{seed} kills")  # noqa: S311 - repeatable

    def work(self, rest: threading.Event) -> None:
        """Kill until it is time to rest; then every host runs."""
        while not rest.wait(self._chance.uniform(*PAUSES)):
            victim = self._chance.choice(VICTIMS)
            if victim in KINDS:
                self._kill_host(victim, rest)
                continue
            self.kills[victim] += self._kill_card() if victim == "card" else self._kill_station()

    def _kill_card(self) -> bool:
        alive = [*(desk.kill_card for desk in self.orders.desks), self.terminals.kill_card]
        self._chance.shuffle(alive)
        return any(kill() for kill in alive)

    def _kill_station(self) -> bool:
        """A program that only starts is struck now and then: it has done nothing yet."""
        starting, desks = self._chance.random() < STARTING, list(self.orders.desks)
        self._chance.shuffle(desks)
        return any(desk.kill_station(starting=starting) for desk in desks)

    def kill_all(self) -> None:
        """End every station and card: the city is broken off."""
        for desk in self.orders.desks:
            desk.kill_station()
            desk.kill_card()
        self.terminals.kill_card()

    def _kill_host(self, kind: str, rest: threading.Event) -> None:
        host = self.city.hosts[kind]
        host.kill()
        self.kills[kind] += 1
        for desk in self.orders.desks:
            desk.note(f"{kind}-killed")
        rest.wait(self._chance.uniform(0, DEAD))
        host.start()
