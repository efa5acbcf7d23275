"""How a server begins and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from conftest import running_server
from live.network import free_port
from live.server import MoorageServer, members
from live.waiting import eventually

MOORAGE = Path(sys.executable).with_name("moorage")


def start(folder: Path, port: int, *more: str) -> subprocess.Popen[bytes]:
    folders = ["--data-dir", str(folder), "--workers", "2"]
    listen = ["--listen", f"127.0.0.1:{port}"]
    return subprocess.Popen(
        [str(MOORAGE), "serve", *folders, *listen, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/-/readiness").is_success
    except httpx.TransportError:
        return False


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    process = start(tmp_path / "running", port)
    try:
        wait_until(lambda: answers(port))
        yield process, port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_second_server_does_not_share_the_port(
    running: tuple[subprocess.Popen[bytes], int], tmp_path: Path
) -> None:
    _, port = running
    second = start(tmp_path / "second", port)
    _, complaint = second.communicate(timeout=30)
    assert second.returncode == 2
    assert complaint.decode().startswith(f"127.0.0.1:{port} cannot be listened on: ")
    assert complaint.count(b"\n") == 1


def test_processes_end_with_the_one_that_started_them(
    running: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, port = running
    process.kill()
    process.wait()
    wait_until(lambda: not answers(port))


def test_processes_that_start_late_end_as_well(tmp_path: Path) -> None:
    port = free_port()
    process = start(tmp_path / "killed", port)
    try:
        wait_until(lambda: bool(children(process.pid)))
        process.kill()
        process.wait()
        # They are still loading: whose children they were they cannot see any more.
        wait_until(lambda: not list(members(process.pid)), 20)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


REPOSITORY = "root/app/image"
LARGE = bytes(range(256)) * (1 << 17)


def is_refused(server: MoorageServer) -> bool:
    try:
        httpx.get(f"{server.url}/-/liveness", trust_env=False)
    except httpx.ConnectError:
        return True
    return False


def readiness(server: MoorageServer) -> int:
    return httpx.get(f"{server.url}/-/readiness", trust_env=False).status_code


def test_requests_under_way_are_served_when_the_server_is_told_to_stop() -> None:
    go_on = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield LARGE[:1000]
        go_on.wait(30)
        yield LARGE[1000:]

    with (
        running_server(None, {"MOORAGE_SHUTDOWN_DELAY": "2"}) as server,
        server.registry() as reader,
        server.registry() as writer,
        ThreadPoolExecutor() as threads,
    ):
        digest = writer.push_blob(REPOSITORY, LARGE)
        location = writer.start_upload(REPOSITORY)
        upload = threads.submit(writer.append, REPOSITORY, location, slowly())
        download = reader.stream_blob(REPOSITORY, digest)
        read = [next(download)]
        stopping = threads.submit(server.stop)
        eventually(lambda: readiness(server), 503)
        eventually(lambda: is_refused(server), expected=True)
        assert not upload.done()
        go_on.set()
        location = upload.result()
        assert b"".join([*read, *download]) == LARGE
        stopping.result()
        server.start()
        assert readiness(server) == 200
        writer.finish(REPOSITORY, location, digest)


@pytest.mark.parametrize("folder", ["/proc/moorage", "/dev/null"])
def test_a_folder_that_cannot_be_is_one_sentence(folder: str) -> None:
    process = start(Path(folder), free_port())
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == 2
    assert complaint.decode().startswith(f"{folder} cannot be the data folder: ")
    assert complaint.count(b"\n") == 1
