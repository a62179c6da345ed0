"""A loop and a writer that do what they are told, one step at a time.

Nothing happens by itself. The loop runs the turns it is told to, and its clock stands still. What a
store is asked waits twice: `look` runs the query, in the reader's thread, against the database of that
moment; `answer` gives what was seen to whoever waits, any number of turns and commits later. What is
to be written waits until `commit` lets the writer's thread have so many jobs as one group. The threads
are real but take turns with the test, so that a run is repeated by its steps alone.
"""

import asyncio
import collections
import contextvars
import queue

from tornado_chat.store.readers import Readers
from tornado_chat.store.writer import Writer

HANGS = 30  # seconds after which a thread will never answer


class Read:
    """Something asked of the store: `look` at the database, then `answer`."""

    def __init__(self, future, work):
        self.future, self._work = future, work
        self.seen = None

    def look(self, fault=None):
        if self.seen is None:
            try:
                self.seen = (None, fault or self._work())
            except Exception as error:  # noqa: BLE001 - it is its asker's
                self.seen = (error, None)
            if fault is not None:
                self.seen = (fault, None)

    def answer(self):
        self.look()
        error, found = self.seen
        if self.future.done():  # nobody waits any more
            return
        if error is None:
            self.future.set_result(found)
        else:
            self.future.set_exception(error)


class Loop(asyncio.SelectorEventLoop):
    """Runs one turn when told to. `free`: work for other threads is done at once."""

    def __init__(self, now):
        self.now = now
        self.free = True
        self.reads = []
        self.faults = []
        super().__init__()
        self.set_exception_handler(lambda _loop, context: self.faults.append(context))

    def time(self):
        return self.now

    def turn(self):
        """What is ready now; not what gets ready by it."""
        self.call_soon(self.stop)
        self.run_forever()

    def run_in_executor(self, executor, func, *args):
        return self.ask(lambda: contextvars.copy_context().run(func, *args))

    def ask(self, work):
        """The future of what will be looked for and answered."""
        read = Read(self.create_future(), work)
        if self.free:
            read.answer()
        else:
            self.reads.append(read)
        return read.future


class SteppedReaders(Readers):
    """Their threads look when they are told to, while the test waits for them."""

    def __init__(self, *args):
        self._looked = queue.SimpleQueue()
        super().__init__(*args)

    def submit(self, work):
        def look():
            super(SteppedReaders, self).submit(work)
            question = self._looked.get(timeout=HANGS)
            if question.error is not None:
                raise question.error
            return question.found

        return self._loop.ask(look)

    def _tell(self):
        self._told = False
        self._looked.put(self._answered.popleft())


class Jobs:
    """The writer's queue: it gets what the test lets it have, then waits for the next word."""

    def __init__(self):
        self.waiting = collections.deque()
        self._granted = collections.deque()
        self._word = queue.SimpleQueue()
        self._idle = queue.SimpleQueue()
        self._ending = False

    def put(self, job):
        if job is not None:
            self.waiting.append(job)
        elif self._ending:  # the writer's own: commit these first
            self._granted.append(None)
        else:
            self._ending = True
            self._word.put([*self.waiting, None])

    def get(self, timeout=None):
        if not self._granted:
            self._idle.put(None)
            self._granted.extend(self._word.get(timeout=HANGS))
        return self.get_nowait()

    def get_nowait(self):
        if not self._granted:
            raise queue.Empty
        return self._granted.popleft()

    def empty(self):
        return True

    def grant(self, count):
        """So many jobs are a group; returns when it is committed."""
        group = [self.waiting.popleft() for _ in range(min(count, len(self.waiting)))]
        if group:
            self._idle.get(timeout=HANGS)
            self._word.put(group)
            self._idle.get(timeout=HANGS)
            self._idle.put(None)


class SteppedWriter(Writer):
    """Notes what it has committed, before the loop hears of it."""

    log = None

    def __init__(self, *args):
        super().__init__(*args)
        self._jobs = Jobs()

    def submit(self, what, commit=None):
        """When it is written is the test's word, whatever the turn."""
        commit = super().submit(what, commit)
        self.hand_in()
        return commit

    def _hand_over(self, done):
        self.log.extend(done.messages)
        super()._hand_over(done)

    def commit(self, count):
        self._jobs.grant(count)

    @property
    def waiting(self):
        return len(self._jobs.waiting)

    def kill(self):
        """What is not committed never is."""
        self._jobs.waiting.clear()
        self.close()
