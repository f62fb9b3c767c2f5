"""What all tests rely on."""

import signal


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start, also where the tests themselves run in the background.

    A shell gives a background job an ignored SIGINT, which children inherit; exec makes any handler the default one.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
