"""TensorFlow's notices, which are no words of a command."""

import contextlib
import os
import tempfile


@contextlib.contextmanager
def notices_held_back():
    """Holds back what is written to descriptor 2, and shows it if there is an error.

    While TensorFlow is imported it writes there about the computer, at any level of its
    log. Other processes write there, too. With the environment variable
    TF_CPP_MIN_LOG_LEVEL=0, all is shown at once.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") == "0":
        yield
        return
    with tempfile.TemporaryFile() as held:
        errors = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(errors, held.read())
            raise
        finally:
            os.dup2(errors, 2)
            os.close(errors)
