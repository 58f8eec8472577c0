"""The loop: waits for the next deadline, a hint, a step of a scan or a request, and lets the cycle do its work.

One thread changes state. Others only put messages into its queue: one walk per store that is being scanned, the
watcher, the timers, the control socket. Deadlines are no timer jobs: they are data, and the loop looks at the clock
before each wait (APScheduler drops and delays jobs in ways that no deadline survives; it only ticks).
"""

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, assert_never

from retentiond.daemon.messages import (
    Anchored,
    Asked,
    Hint,
    Message,
    News,
    PruningPlanned,
    Reload,
    Request,
    SamplesTaken,
    Step,
    Stop,
    Task,
    Urgent,
    WalkEnded,
)
from retentiond.daemon.pace import Pace, names_in
from retentiond.daemon.surroundings import Surroundings
from retentiond.domain.errors import ConfigurationError, MustRestartError, RetentiondError, TryAgainError
from retentiond.domain.finding import FindingKey, FindingKind, finding
from retentiond.services.answer import answer
from retentiond.services.cycle import Cycle
from retentiond.services.keep_store import StoreKeeper
from retentiond.services.sample import Answer
from retentiond.services.scan import TOGETHER, StoreScan

BATCH_S = 0.05
"""So long at most the loop takes messages before it looks for due recordings again."""

STEPS_AHEAD = 64
"""So many listed directories may wait in the queue; the walk waits when the catalogue cannot keep up."""

ANSWER_WITHIN_S = 60.0

BETWEEN_CHUNKS = frozenset({"hold_place"})
"""Verbs that are answered between two chunks of a run too: what somebody wants to keep may be next in it (I6)."""


class Daemon:
    """Runs a cycle until it is asked to stop."""

    def __init__(self, cycle: Cycle, around: Surroundings) -> None:
        self._cycle = cycle
        self._around = around
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self._urgent: SimpleQueue[Request] = SimpleQueue()
        self._steps = threading.Semaphore(STEPS_AHEAD)
        self._stopping = threading.Event()
        self._fed_at = 0.0
        self._asked = False
        self._looking = False

    # --- called from other threads and from signal handlers ----------------------------------------------------

    def ask(self, fields: Mapping[str, Any], actor: str) -> dict[str, Any]:
        """Put a request to the loop and wait for its answer. Raises what the request raises, and TryAgainError."""
        reply: Future[dict[str, Any]] = Future()
        request = Request(fields, actor, reply)
        if fields.get("verb") in BETWEEN_CHUNKS:
            self._urgent.put(request)
            self._messages.put(Urgent())
        else:
            self._messages.put(request)
        try:
            return reply.result(timeout=ANSWER_WITHIN_S)
        except TimeoutError as error:
            raise TryAgainError("the daemon is busy and did not answer within a minute; ask again") from error

    def stop(self) -> None:
        """Ask the loop to end after the chunk it works on."""
        self._stopping.set()
        self._messages.put(Stop())

    def stopping(self) -> bool:
        """Tell whether a stop was asked for; looked at between the chunks of a run, which is progress too.

        What cannot wait is answered, and what has fallen due meanwhile deleted. Called by the loop's own thread only.
        """
        self._feed_watchdog()
        self._answer_urgent()
        if not self._stopping.is_set():
            self._cycle.keep_on_time()
        return self._stopping.is_set()

    # --- the loop ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until `stop`. Raises MustRestartError, and StorageError if the start itself fails."""
        cycle, around = self._cycle, self._around
        cycle.start()
        around.observer.task("reload", ok=True, seconds=0.0, at=cycle.now())  # what it starts with was read well
        around.watch.start(lambda store, directory: self._messages.put(Hint(store, directory)))
        around.anchorage.start(lambda status: self._messages.put(Anchored(status)))
        self._ask_devices()
        timers = self._start_timers()
        self._messages.put(Task("prune"))  # a server that is started anew each morning prunes as well
        self._report()
        around.manager.ready()
        around.log.info("started")
        try:
            while not self._stopping.is_set():
                wait = cycle.tick()
                self._begin_scans(only_wanted=True)
                if self._asked:
                    self._asked = False
                    self._report()
                self._feed_watchdog()
                self._take_messages(wait)
        finally:
            around.manager.stopping()
            timers()
            around.anchorage.stop()
            around.devices.stop()
            around.watch.stop()
        cycle.finish()
        around.log.info("stopped")

    def _ask_devices(self) -> None:
        """Have the sources asked from now on; what they said before is not over until they answer."""
        self._cycle.told = self._around.devices.awaited()
        self._around.devices.start(lambda told: self._messages.put(Asked(told)))

    def install_signals(self) -> None:
        """SIGTERM and SIGINT stop, SIGHUP reloads; handlers only put messages."""
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGINT, lambda *_: self.stop())
        signal.signal(signal.SIGHUP, lambda *_: self._messages.put(Reload()))

    def _take_messages(self, wait: timedelta) -> None:
        """Wait for the first message, then take what is there for a short while."""
        try:
            message = self._messages.get(timeout=wait.total_seconds())
        except Empty:
            return
        until = time.monotonic() + BATCH_S
        hints: set[Hint] = set()
        steps: list[Step] = []
        while True:
            match message:
                case Hint():
                    hints.add(message)
                case Step():
                    steps.append(message)
                case _:
                    self._take_steps(steps)
                    self._take(message)
            if len(steps) == TOGETHER:
                self._take_steps(steps)
            if self._messages.empty() or time.monotonic() > until:
                break
            message = self._messages.get()
        self._take_steps(steps)
        for hint in sorted(hints, key=lambda item: (item.store, item.directory)):
            self._cycle.look_again(hint.store, hint.directory)

    def _take_steps(self, steps: list[Step]) -> None:
        """Take in the steps of walks that have come, those of a store together, and let the walks go on."""
        for keeper, of_store in groupby(steps, key=lambda message: message.keeper):
            taken = [message.step for message in of_store]
            self._steps.release(len(taken))
            self._cycle.take(keeper, *taken)
        steps.clear()

    def _take(self, message: Message) -> None:
        match message:
            case WalkEnded():
                self._end_walk(message)
            case PruningPlanned():
                self._prune(message)
            case Request():
                self._answer(message)
            case Urgent():
                self._answer_urgent()
            case Task() | Anchored() | SamplesTaken() | Asked() | Reload():
                self._take_news(message)
            case Hint() | Step() | Stop():
                pass
            case _:
                assert_never(message)

    def _take_news(self, message: News) -> None:
        match message:
            case Task(name):
                self._do_task(name)
            case Anchored(status):
                self._cycle.anchors = status
            case SamplesTaken():
                self._take_samples(message)
            case Asked(told):
                self._cycle.told = told
                self._report()
            case Reload():
                self._reload()
            case _:
                assert_never(message)

    def _answer_urgent(self) -> None:
        while not self._urgent.empty():
            self._answer(self._urgent.get())

    def _answer(self, request: Request) -> None:
        try:
            request.reply.set_result(answer(self._cycle, request.fields, request.actor))
        except MustRestartError as error:
            request.reply.set_exception(error)
            raise
        except RetentiondError as error:
            request.reply.set_exception(error)
        else:
            self._asked = request.fields.get("verb") != "ping"  # whoever asked looks next at what came of it

    def _do_task(self, name: str) -> None:
        began, clock = time.monotonic(), self._cycle.now
        match name:
            case "scan":
                self._begin_scans()
                return
            case "prune":
                self._plan_pruning()
                return
            case "look":
                self._look_inside()
                return
            case "probe":
                self._around.watch.probe()
            case _:
                self._report()
        self._around.observer.task(name, ok=True, seconds=time.monotonic() - began, at=clock())

    # --- scans ------------------------------------------------------------------------------------------------

    def _begin_scans(self, *, only_wanted: bool = False) -> None:
        for keeper, scan in self._cycle.begin_scans(only_wanted=only_wanted):
            walker = threading.Thread(target=self._walk, args=(keeper, scan), name=f"walk-{keeper.name}", daemon=True)
            walker.start()

    def _walk(self, keeper: StoreKeeper, scan: StoreScan) -> None:
        """List the store's directories, a few ahead of the loop. Runs in a thread of its own; changes nothing."""
        began, whole, defect = time.monotonic(), False, True
        self._around.give_way()
        try:
            whole, defect = self._hand_over(keeper, scan), False
        except RetentiondError:
            defect = False
        finally:
            self._messages.put(WalkEnded(keeper, whole, began, defect))

    def _hand_over(self, keeper: StoreKeeper, scan: StoreScan) -> bool:
        """Give the loop one directory after the other; tell whether it was all of them."""
        pace = Pace(self._around.scan_rate, self._stopping.wait)
        for step in keeper.store.walk(scan.descends, scan.known):
            self._steps.acquire()
            if self._stopping.is_set():
                return False
            self._messages.put(Step(keeper, step))
            pace.listed(names_in(step))
        return True

    def _end_walk(self, ended: WalkEnded) -> None:
        if ended.defect:
            # A store that is never scanned again would look well. The thread has logged what it was.
            raise RuntimeError("a walk ended by a defect")
        self._cycle.complete_scan(ended.keeper, whole=ended.whole)
        seconds = time.monotonic() - ended.began
        self._around.observer.task("scan", ok=ended.whole, seconds=seconds, at=self._cycle.now())
        self._around.log.info("scan ended", store=ended.keeper.name, whole=ended.whole, seconds=round(seconds, 3))
        self._cycle.tick()
        self._messages.put(Task("look"))
        self._report()

    def _report(self) -> None:
        """Look everything over, and say again in the log what waits for a person."""
        self._cycle.report()
        for item in self._cycle.reminded:
            self._around.log.warning("this still waits for somebody", kind=item.key.kind.value)

    # --- what is in recordings ---------------------------------------------------------------------------------

    def _look_inside(self) -> None:
        """Let some recordings be looked into, in a thread of its own: a disk may take its time."""
        look = None if self._looking else self._cycle.samples_wanted()
        if look is not None:
            self._looking = True
            threading.Thread(target=self._sample, args=(look,), name="look", daemon=True).start()

    def _sample(self, look: Callable[[], Sequence[Answer]]) -> None:
        began = time.monotonic()
        answers: Sequence[Answer] = ()
        try:
            answers = look()
        finally:
            self._messages.put(SamplesTaken(answers, began))

    def _take_samples(self, taken: SamplesTaken) -> None:
        self._looking = False
        self._cycle.take_samples(taken.answers)
        seconds = time.monotonic() - taken.began
        self._around.observer.task("look", ok=True, seconds=seconds, at=self._cycle.now())
        self._report()

    # --- the trail's own retention ----------------------------------------------------------------------------

    def _plan_pruning(self) -> None:
        """Work out in a thread of its own what of the trail is too old; it reads all of that."""
        try:
            plan = self._cycle.pruning.plan()
        except TryAgainError:
            return
        threading.Thread(target=self._work_out, args=(plan,), name="prune", daemon=True).start()

    def _work_out(self, plan: Callable[[], int]) -> None:
        began = time.monotonic()
        try:
            self._messages.put(PruningPlanned(plan(), began))
        except RetentiondError as error:
            self._messages.put(PruningPlanned(0, began, str(error)))

    def _prune(self, planned: PruningPlanned) -> None:
        """Let the trail forget what is too old. What cannot be done today is a finding, and tried again tomorrow."""
        trouble = planned.trouble
        if planned.records:
            try:
                self._cycle.pruning.prune()
                self._around.log.info("the audit trail was pruned", records=planned.records)
            except MustRestartError:
                raise
            except TryAgainError:  # something was decided meanwhile
                pass
            except RetentiondError as error:
                trouble = str(error)
        self._cycle.note_pruning(trouble)
        seconds = time.monotonic() - planned.began
        self._around.observer.task("prune", ok=not trouble, seconds=seconds, at=self._cycle.now())

    # --- around the work --------------------------------------------------------------------------------------

    def _reload(self) -> None:
        """Read the configuration again; a broken one leaves the old one in force, and a finding says so."""
        key = FindingKey(FindingKind.CONFIG_NOT_RELOADED, "configuration")
        self._around.manager.reloading()
        began, ok = time.monotonic(), True
        try:
            self._cycle.replace_book(self._around.reload())
        except ConfigurationError as error:
            message = f"the new configuration is not in force: {error.problems[0]}"
            self._cycle.raise_finding(finding(key.kind, key.subject, message, "see all of it: retentiond config check"))
            self._around.log.warning("configuration not reloaded", problems=len(error.problems))
            ok = False
        else:
            self._cycle.lower_finding(key)
            self._around.log.info("configuration reloaded")
        self._around.observer.task("reload", ok=ok, seconds=time.monotonic() - began, at=self._cycle.now())
        self._report()
        self._around.manager.ready()

    def _feed_watchdog(self) -> None:
        """Tell the manager that work goes on: from the loop itself, so that a hung one does not look alive."""
        now = time.monotonic()
        if self._around.watchdog_s is not None and now - self._fed_at >= self._around.watchdog_s / 2:
            self._around.manager.watchdog()
            self._fed_at = now

    def _start_timers(self) -> Callable[[], None]:
        """Start what ticks periodically, and return how to stop it."""
        from apscheduler.schedulers.background import BackgroundScheduler

        timers = BackgroundScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        every = {
            "scan": self._around.scan_interval,
            "report": self._around.report_interval,
            "probe": timedelta(seconds=60),
            "look": timedelta(seconds=60),
            "prune": timedelta(days=1),
        }
        for name, interval in every.items():
            tick = Task(name)
            timers.add_job(self._messages.put, "interval", args=(tick,), seconds=interval.total_seconds(), id=name)
        timers.start()
        return lambda: timers.shutdown(wait=False)
