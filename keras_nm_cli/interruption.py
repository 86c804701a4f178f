"""Ctrl-C that is answered in seconds, even while TensorFlow compiles."""

import contextlib
import os
import signal
import socket
import sys
import threading

MESSAGE = "\nkeras-nm: interrupted"
EXIT_CODE = 130

_SECONDS = 2.0


@contextlib.contextmanager
def interruptible(at_once=False):
    """Ends the process if Ctrl-C does not raise `KeyboardInterrupt` within two seconds.

    With `at_once`, it is not even raised. Modules that are imported may catch it, and have
    nothing to clean up.

    Python raises it in the main thread, between two of its own instructions. Compilation is
    a single call, which can take a minute. Files need no time to be completed: a run goes
    on after its process was killed.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # such as a shell's background job, which Ctrl-C does not reach
        return
    errors = os.dup(2)  # wherever descriptor 2 leads in the meantime
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    raised = threading.Event()

    def interrupt(number, frame):
        if not at_once:
            raised.set()
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    # Signals arrive here at once, whatever the main thread does.
    previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    seconds = 0 if at_once else _SECONDS
    arguments = (reader, raised, seconds, errors)
    threading.Thread(target=_watch, args=arguments, daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        writer.close()  # ends the thread


def _watch(reader, raised, seconds, errors):
    with reader, open(errors, "w") as errors:
        while number := reader.recv(1):
            if number[0] == signal.SIGINT and not raised.wait(seconds):
                print(MESSAGE, file=errors, flush=True)
                with contextlib.suppress(OSError):  # the reader of the output has stopped
                    sys.stdout.flush()
                os._exit(EXIT_CODE)
