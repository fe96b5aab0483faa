"""What every test may ask for: real programs, free ports, processes that are ended again, the real data beside it."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

ROOT = Path(__file__).parent.parent
MARK = "BAIRRO_TEST_MARK"
STOP_SECONDS = 20.0
WAITING = tuple(ROOT / "tests" / folder for folder in ("collector/inventory", "collector/loop", "deploy", "end_to_end"))
"""Where slow tests mostly wait for programs of their own, and leave the processors to others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first, so that none of them is what the other workers wait for at the end.

    Those that wait and those that compute take turns, so that some worker always has something to compute.
    """
    slow = dict.fromkeys(item.path for item in items if item.get_closest_marker("slow"))
    waiting = [path for path in slow if any(path.is_relative_to(folder) for folder in WAITING)]
    computing = [path for path in slow if path not in waiting]
    pairs = itertools.zip_longest(waiting, computing)
    order = {path: place for place, path in enumerate(itertools.chain.from_iterable(pairs)) if path is not None}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.fixture(scope="session")
def require_program() -> Callable[[str], str]:
    """The path of a system program; without it the test skips, and under CI=true it fails, saying how to get it."""

    def require(name: str) -> str:
        path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")
        if path is None:
            reason = f"{name} is not installed; tools/system-packages.sh says how to get it"
            if os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        return path

    return require


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data: BAIRRO_SHARED, else ``shared`` beside the checkout; skips where it is absent."""
    folder = Path(os.environ.get("BAIRRO_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; BAIRRO_SHARED can name another folder")
    return folder


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A port that is free for TCP and UDP on every loopback address, and given only once.

    It lies below the range that the kernel hands to clients, so that no passing connection takes it meanwhile, and
    in a part of it that is this worker's own, so that no other test does.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
    left = list(range(20_000 + 3000 * worker, 23_000 + 3000 * worker))
    random.shuffle(left)

    def find() -> int:
        while left:
            port = left.pop()
            with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("", port))
                return port
        raise RuntimeError("no free port found")

    return find


class Processes:
    """Starts processes and ends those, and no others, with whatever they started."""

    def __init__(self) -> None:
        self._mark = uuid.uuid4().hex
        self._running: list[subprocess.Popen[Any]] = []

    def start(self, command: Sequence[str | Path], **options: Any) -> subprocess.Popen[Any]:
        """Popen in a session of its own; ``env`` adds to the environment, output is dropped unless redirected."""
        environment = os.environ | options.pop("env", {}) | {MARK: self._mark}
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT} | options
        process = subprocess.Popen([str(word) for word in command], env=environment, start_new_session=True, **options)
        self._running.append(process)
        return process

    def left(self) -> dict[int, str]:
        """Every process alive that was started here, directly or not: pid -> command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{MARK}={self._mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found[int(folder.name)] = line.strip()
        return found

    def stop(self, process: subprocess.Popen[Any], number: int = signal.SIGTERM) -> int:
        """Signal one process, wait for its end and return its exit code; kills it after STOP_SECONDS."""
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def stop_all(self) -> None:
        for process in reversed(self._running):
            self.stop(process)
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Start processes for one test; they end with it."""
    started = Processes()
    yield started
    started.stop_all()


@pytest.fixture(scope="module")
def module_processes() -> Iterator[Processes]:
    """The same for the fixtures of a module."""
    started = Processes()
    yield started
    started.stop_all()


@pytest.fixture(scope="session")
def session_processes() -> Iterator[Processes]:
    """The same for the whole run."""
    started = Processes()
    yield started
    started.stop_all()


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Call ``ask`` until it answers something true, and return that; fails with its last error after ``seconds``."""

    def wait(ask: Callable[[], Any], seconds: float = 30.0, pause: float = 0.2) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            trouble: Exception | None = None
            try:
                answer = ask()
            except (OSError, ValueError, KeyError, IndexError, AssertionError) as error:
                answer, trouble = None, error
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"still not so after {seconds:.0f} s; last answer: {answer!r}") from trouble
            time.sleep(pause)

    return wait


CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


@pytest.fixture(scope="module")
def browser(require_program) -> Iterator[Any]:
    """Debian's Chromium, headless, that can reach 127.0.0.1 and nothing else.

    It ends with the module: Playwright's synchronous calls keep an event loop running in this thread, beside which
    no later test could run one of its own.
    """
    from playwright.sync_api import sync_playwright

    path = require_program("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def postgresql_server(
    session_processes: Any, free_port: Callable[[], int], require_program: Callable[[str], str]
) -> Iterator[str]:
    """A URL of a new server's maintenance database; the server refuses to run as root, so it runs as its own user."""
    if not (found := sorted(glob.glob("/usr/lib/postgresql/*/bin"))):
        require_program("postgres")
    user, wrap, port = pwd.getpwuid(os.getuid()).pw_name, (), free_port()
    with tempfile.TemporaryDirectory(prefix="bairro-postgresql-") as folder:
        if os.getuid() == 0:
            user, wrap = "postgres", ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
            os.chown(folder, *pwd.getpwnam("postgres")[2:4])
        data = f"{folder}/data"
        initdb = session_processes.start([*wrap, f"{found[-1]}/initdb", "-D", data, "-U", user, "--auth=trust"])
        assert initdb.wait(60) == 0
        options = ("-p", str(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off")
        running = session_processes.start([*wrap, f"{found[-1]}/postgres", "-D", data, *options])
        url = f"postgresql+psycopg://{user}:secret@127.0.0.1:{port}/postgres"
        _wait_for(url)
        yield url
        session_processes.stop(running, signal.SIGINT)


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """A database of the test's own."""
    name = f"bairro_{time.monotonic_ns()}"
    engine = sa.create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgresql_server.removesuffix("postgres") + name


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    engine = sa.create_engine(url)
    while True:
        try:
            engine.connect().close()
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            engine.dispose()
            return
