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
def interruptible():
    """Ends the process if Ctrl-C does not raise `KeyboardInterrupt` within two seconds.

    Python raises it in the main thread, between two of its own instructions. Compilation is
    a single call, which can take a minute. Files need no time to be completed: a run goes
    on after its process was killed.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # such as a shell's background job, which Ctrl-C does not reach
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    raised = threading.Event()

    def interrupt(number, frame):
        raised.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    # Signals arrive here at once, whatever the main thread does.
    previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader, raised), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        writer.close()  # ends the thread


def _watch(reader, raised):
    with reader:
        while number := reader.recv(1):
            if number[0] == signal.SIGINT and not raised.wait(_SECONDS):
                print(MESSAGE, file=sys.stderr, flush=True)
                with contextlib.suppress(OSError):  # the reader of the output has stopped
                    sys.stdout.flush()
                os._exit(EXIT_CODE)
