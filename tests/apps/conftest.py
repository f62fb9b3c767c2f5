"""Cards whose keys are those of the worked examples in volume 2 §9.2 of the reconstructed specification; a terminal for certificates."""

import pytest

from emulator import load_card
from profiles import load
from tests.apps.certificates import Terminal

ROOT = "000102030405060708090A0B0C0D0E0F"
STK = "0F1E2D3C4B5A6978"
CHALLENGE = bytes.fromhex("1122334455667788")


def worked_example(product: str):
    """The product with the example's card factor, keys and levels."""
    profile = load(product)
    ssse = profile.directory["SSSE"]
    keys = dict(ssse.key)
    for name in ("UKSSSE", "RKSSSE", "IRK"):
        keys[name] = keys[name].model_copy(update={"levels": 3})
    values = {f"{name}.1": ROOT for name in ("UKSSSE", "RKSSSE", "IRK")}
    if profile.algorithm == "3DES":
        keys["STK"] = keys["STK"].model_copy(update={"levels": 2, "length": 8})
        values["STK.1"] = STK
    else:
        keys["STK"] = keys["STK"].model_copy(update={"levels": 3, "length": 16})
        values["STK.1"] = ROOT
    directories = {**profile.directory, "SSSE": ssse.model_copy(update={"key": keys})}
    return profile.model_copy(
        update={
            "directory": directories,
            "test_keys": profile.test_keys.model_copy(update={"value": values}),
            "chip": profile.chip.model_copy(update={"historical": bytes.fromhex("0081544C978684500000000001")}),
            "issuer": profile.issuer.model_copy(update={"city_code": "500000"}),
        }
    )


class Talk:
    """A card, with hexadecimal in and out and a challenge of one's choice."""

    def __init__(self, profile) -> None:
        self.card = load_card(profile)
        self.card.reset()

    def send(self, *commands: str) -> str:
        answer = b""
        for command in commands:
            answer = self.card.transmit(bytes.fromhex(command.replace(" ", "")))
        return answer.hex().upper()

    def challenge(self, value: bytes = CHALLENGE) -> None:
        """Make the card's last challenge a known one."""
        assert self.send("0084000008").endswith("9000")
        self.card.session.challenge = value

    def give_all_rights(self) -> None:
        self.card.session.global_word = self.card.session.local_word = -1


SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"


@pytest.fixture
def des():
    talk = Talk(worked_example("ssc2-3des"))
    talk.send(SSSE)
    return talk


@pytest.fixture
def sm4():
    talk = Talk(worked_example("ssc3-sm4"))
    talk.send(SSSE)
    return talk


@pytest.fixture
def terminal() -> Terminal:
    """In the certificate application."""
    result = Terminal()
    result.enter()
    return result
