"""Object stores that speak the S3 protocol, on loopback."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote

import boto3
import httpx

from live.network import free_port

ACCESS_KEY = "moorage-tests"
SECRET_KEY = "no-secret-at-all"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

_BUCKET = "registry"
_REGION = "us-east-1"
_PREFIXES = itertools.count(1)
_SECONDS_TO_START = 120


class S3Server(Protocol):
    """A running server."""

    endpoint: str

    def start(self) -> None:
        """Run it until it answers."""

    def stop(self) -> None:
        """End it and remove its files."""


def storage_url(server: S3Server) -> str:
    """Name a place in the server that nobody used before, as settings do."""
    endpoint = quote(server.endpoint, safe="")
    options = f"endpoint={endpoint}&region={_REGION}&path_style=true"
    return f"s3://{_BUCKET}/test-{next(_PREFIXES)}?{options}"


def object_names(server: S3Server, url: str) -> list[str]:
    """List what lies in such a place, multiparts that were not finished included."""
    client, prefix = _client(server), url.partition(_BUCKET)[2].partition("?")[0][1:]
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=_BUCKET, Prefix=f"{prefix}/"
    )
    objects = [item["Key"] for page in pages for item in page.get("Contents", [])]
    answer = client.list_multipart_uploads(Bucket=_BUCKET, Prefix=f"{prefix}/")
    multiparts = [f"multipart {item['Key']}" for item in answer.get("Uploads", [])]
    return [name.removeprefix(f"{prefix}/") for name in objects] + multiparts


def _client(server: S3Server) -> boto3.client:
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=_REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


def create_bucket(server: S3Server) -> None:
    """Make the bucket of all tests."""
    _client(server).create_bucket(Bucket=_BUCKET)


def wait_for_answer(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(endpoint, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{endpoint} does not answer: {log.read_text()[-4000:]}")


class Programs:
    """Programs that run in a folder of their own, until they are stopped."""

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"moorage-{name}-"))
        self._running: list[subprocess.Popen[bytes]] = []
        self._logs: list[IO[bytes]] = []

    def start(self, *command: str | Path) -> tuple[subprocess.Popen[bytes], Path]:
        path = self.folder / f"{Path(command[0]).name}-{len(self._running)}.log"
        log = path.open("wb")
        self._logs.append(log)
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self._running.append(process)
        return process, path

    @property
    def pids(self) -> list[int]:
        """The processes that were started."""
        return [process.pid for process in self._running]

    def run(self, *command: str | Path) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS_TO_START,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def stop(self) -> None:
        for process in reversed(self._running):
            process.kill()
            process.wait()
        for log in self._logs:
            log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class MotoServer:
    """A simulation: quick to start, and more forgiving than the real thing."""

    def __init__(self) -> None:
        self._programs = Programs("moto")
        self._port = free_port()
        self.endpoint = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Run it until it answers."""
        process, log = self._programs.start(
            sys.executable,
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            str(self._port),
        )
        wait_for_answer(self.endpoint, process, log)
        create_bucket(self)

    def stop(self) -> None:
        """End it."""
        self._programs.stop()
