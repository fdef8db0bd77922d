"""What tests wait with: acts in a thread of their own, and descriptors that may have something to read."""

import select
import threading


def in_thread(act):
    """Runs `act` beside the test; .result() waits for it and gives its value or its error."""
    class Running(threading.Thread):
        def run(self):
            try:
                self.value, self.error = act(), None
            except BaseException as error:
                self.error = error

        def result(self, seconds=60):
            self.join(seconds)
            assert not self.is_alive(), "it hangs"
            if self.error:
                raise self.error
            return self.value

    running = Running(daemon=True)
    running.start()
    return running


def readable(sock, seconds=0.0):
    return bool(select.select([sock], [], [], seconds)[0])
