"""What all tests rely on."""

import signal

import hypothesis


def pytest_configure() -> None:
    """Let generated examples take their time, and Ctrl-C reach the programs that tests start, also where the tests themselves run in the background.

    A shell gives a background job an ignored SIGINT, which children inherit; exec makes any handler the default one.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A busy machine is no fault of the tested code.
    hypothesis.settings.register_profile("sscard", deadline=None)
    hypothesis.settings.load_profile("sscard")
