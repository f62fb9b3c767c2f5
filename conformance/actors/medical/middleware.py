"""The official reader interface 读写终端接口 (LD/T 6001.5): its operations by their names.

Each answers a code, 0 for good, and pOutInfo: the result, or in Chinese what went wrong. A status word of card or PSAM
becomes its negative value, 63C5 −25541; other codes are those of programs in use (reconstructed specification §3.4).
What ``iAuthType`` distinguishes is in no public text: every number is taken alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance.actors.medical.addresses import AddressError
from conformance.actors.medical.certificate_operations import CertificateOperations
from conformance.actors.medical.codes import MESSAGES, Answer, Code, Failed
from conformance.actors.medical.counter import Counter
from conformance.actors.medical.hsm_steps import HsmSteps
from conformance.actors.medical.keys import KeysRefused
from conformance.actors.medical.operations import KIND, Operation, PlainOperations
from conformance.actors.medical.reader import (
    READ_KEY,
    CardGone,
    CardReader,
    CardRefused,
    IdentificationMalformed,
    PinNeeded,
)
from profiles.dictionary import ValueFormatError

CARD_KINDS = (1, 2, 3, 4)
"""iType: contact, contactless, either with contact first, either with contactless first."""
STEPS = ("_HSM_Step1", "_HSM_Step2", "_HSM_Step3")


class Middleware:
    """The interface over a card in a reader with its PSAM or HSM.

    Args:
        reader: The card's reader; its ``pin`` is the key pad.
        device: 终端设备号, up to 32 characters.
        new_pin: The key pad for a new PIN; None for nobody there.
    """

    def __init__(
        self, reader: CardReader, *, device: str = "", new_pin: Callable[[], str | None] = lambda: None
    ) -> None:
        self.reader = reader
        self.awaited: str | None = None
        """The step that continues the operation begun last."""
        self.problem = ""
        """In English what was wrong with the arguments of the last operation, where that can be said."""
        counter = Counter(reader, device, new_pin)
        self._operations: Mapping[str, Operation] = {
            **PlainOperations(counter).operations,
            **HsmSteps(counter).operations,
            **CertificateOperations(counter).operations,
        }

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of all operations."""
        return tuple(self._operations)

    def parameters(self, name: str) -> tuple[str, ...]:
        """The parameters of an operation but pOutInfo; those called iXxx are whole numbers, all others text."""
        return self._operations[name].parameters

    def call(self, name: str, *arguments: int | str) -> Answer:
        """Carry an operation out by its official name; never raises, whatever card and arguments are."""
        awaited, self.awaited, self.problem = self.awaited, None, ""
        operation = self._operations.get(name)
        if operation is None:
            return _failed(Code.UNKNOWN_OPERATION)
        if not operation.takes(arguments):
            self.problem = (
                f"{name} takes {' '.join(operation.parameters) or 'nothing'}; iXxx are whole numbers, all others text"
            )
            return _failed(Code.WRONG_ARGUMENT)
        if name.endswith(STEPS[1:]) and awaited != name:
            return _failed(Code.NO_STEP_BEFORE)
        try:
            if KIND in operation.parameters:
                self._begin(arguments[operation.parameters.index(KIND)])
            done = Code.GOOD, operation.act(*arguments)
        except Failed as failed:
            return failed.code, failed.text
        except (AddressError, ValueFormatError) as problem:
            self.problem = str(problem)
            return _failed(Code.WRONG_ARGUMENT)
        except PinNeeded:
            return _failed(Code.PIN_CANCELLED)
        except CardGone:
            return _failed(Code.NO_CARD)
        except IdentificationMalformed:
            return _failed(Code.IDENTIFICATION_MALFORMED)
        except CardRefused as refused:
            if not refused.sw:
                return Code.WRONG_INPUT, refused.zh
            return -refused.sw, f"{refused.zh}失败，状态字 {refused.sw:04X}"
        except KeysRefused as refused:
            return self._keys_refused(refused)
        self.awaited = next(iter(self.continued(name)), None)
        return done

    def continued(self, name: str) -> tuple[str, ...]:
        """The steps that follow an operation."""
        if not name.endswith(STEPS):
            return ()
        later = (f"{name[:-1]}{number}" for number in range(int(name[-1]) + 1, len(STEPS) + 1))
        return tuple(step for step in later if step in self._operations)

    def _keys_refused(self, refused: KeysRefused) -> Answer:
        if self.reader.keys is None:
            return _failed(Code.NO_SAM)
        if refused.sw and refused.key == READ_KEY:
            return _failed(Code.SAM_WITHOUT_READ_KEY)
        if refused.sw:
            return -refused.sw, str(refused)
        return Code.NO_SAM, f"{MESSAGES[Code.NO_SAM]}：{refused}"

    def _begin(self, kind: int | str) -> None:
        if kind not in CARD_KINDS:
            raise Failed(Code.WRONG_KIND)
        self.reader.begin()


def _failed(code: Code) -> Answer:
    return code, MESSAGES[code]
