"""The calls that the S3 blob store makes, with their failures translated.

The library repeats a call that was not answered, was answered 500 or 503, or was told
to slow down: a few times, with growing pauses. What fails all the same becomes
``UnavailableError``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import aiohttp
import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from moorage.domain.errors import UnavailableError
from moorage.domain.object_storage import S3Location

S3Client: TypeAlias = Any
"""The library makes its clients from a description of the service: untyped."""

PIECE_BYTES = 128 << 10
"""Bytes handed on at a time.

The server keeps up to ten pieces for a client that is slow to take them.
"""

ATTEMPTS = 4
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
"""How long nothing at all may arrive before an attempt counts as failed."""

CALL_SECONDS = 120
"""Bound of one call, its repetitions included."""

PAUSES = (0.1, 0.4, 1.6)
"""Seconds before what broke off is asked for again, as long as nothing arrives."""

UNBOUNDED = 0
"""Connections at once. Each belongs to a request that is being answered, and the server
takes only so many connections. With a bound of their own a few slow downloads, each of
which holds one for as long as it lasts, would keep out everybody else.
"""

COPIES_AT_ONCE = 8
KEYS_PER_DELETE = 1000
"""Source: Amazon S3 API reference 2006-03-01, DeleteObjects."""

_NO_ANSWER = (BotoCoreError, aiohttp.ClientError, OSError)
_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d+)-\d+/(?P<size>\d+)")
_MISSING = {"NoSuchKey", "NoSuchUpload", "404", "InvalidRange", "416"}

log = structlog.get_logger(__name__)


class _BrokenOffError(Exception):
    """An answer ended before it was complete; the rest may be asked for."""


class ObjectMissingError(Exception):
    """No such object, or it is shorter than what was asked for."""


@dataclass(frozen=True, slots=True)
class Source:
    """The first bytes of an object, to be copied."""

    name: str
    size: int


class S3Bucket:
    """One bucket. The connection is made by the first call, in its event loop."""

    def __init__(
        self, location: S3Location, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._location = location
        self._answer_seconds = answer_seconds
        self._connecting = asyncio.Lock()
        self._connection: S3Client = None
        self._client: S3Client = None
        self._put_options = _put_options(location)

    async def _connected(self) -> S3Client:
        async with self._connecting:
            if self._client is None:
                self._connection = _connection(self._location, self._answer_seconds)
                self._client = await self._connection.__aenter__()
        return self._client

    async def close(self) -> None:
        """Let go of every connection."""
        async with self._connecting:
            if self._client is not None:
                await self._connection.__aexit__(None, None, None)
            self._client = None

    async def _call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        client = await self._connected()
        call: Callable[[], Awaitable[Mapping[str, Any]]] = partial(
            getattr(client, operation), Bucket=self._location.bucket, **arguments
        )
        with _translated(operation):
            async with asyncio.timeout(CALL_SECONDS):
                for pause in PAUSES:
                    # An answer that breaks off is not repeated by the library.
                    with suppress(aiohttp.ClientPayloadError):
                        return await call()
                    await asyncio.sleep(pause)
                return await call()

    async def put(self, name: str, content: bytes) -> None:
        """Store an object."""
        await self._call("put_object", Key=name, Body=content, **self._put_options)

    async def size(self, name: str) -> int | None:
        """Return an object's length, if it is there."""
        try:
            answer = await self._call("head_object", Key=name)
        except ObjectMissingError:
            return None
        size: int = answer["ContentLength"]
        return size

    async def copy(self, source: str, target: str) -> None:
        """Copy an object as it is, inside the server.

        Raises:
            ObjectMissingError: There is no source.
        """
        await self._call(
            "copy_object",
            Key=target,
            CopySource={"Bucket": self._location.bucket, "Key": source},
            **self._put_options,
        )

    async def assemble(
        self, target: str, sources: Sequence[Source], tail: bytes
    ) -> None:
        """Make an object of others and some bytes, inside the server.

        Raises:
            ObjectMissingError: A source is not there.
        """
        begun = await self._call(
            "create_multipart_upload", Key=target, **self._put_options
        )
        upload = {"Key": target, "UploadId": begun["UploadId"]}
        try:
            tags = await self._copy_parts(upload, sources)
            if tail:
                number = len(tags) + 1
                answer = await self._call(
                    "upload_part", PartNumber=number, Body=tail, **upload
                )
                tags.append(answer["ETag"])
            parts = [
                {"PartNumber": number, "ETag": tag}
                for number, tag in enumerate(tags, start=1)
            ]
            await self._call(
                "complete_multipart_upload", MultipartUpload={"Parts": parts}, **upload
            )
        except BaseException:
            await asyncio.shield(self._abort(upload))
            raise

    async def _copy_parts(
        self, upload: Mapping[str, str], sources: Sequence[Source]
    ) -> list[str]:
        turns = asyncio.Semaphore(COPIES_AT_ONCE)

        async def copy(number: int, source: Source) -> str:
            async with turns:
                answer = await self._call(
                    "upload_part_copy",
                    PartNumber=number,
                    CopySource={"Bucket": self._location.bucket, "Key": source.name},
                    CopySourceRange=f"bytes=0-{source.size - 1}",
                    **upload,
                )
            tag: str = answer["CopyPartResult"]["ETag"]
            return tag

        copies = [
            asyncio.create_task(copy(number, source))
            for number, source in enumerate(sources, start=1)
        ]
        try:
            return list(await asyncio.gather(*copies))
        finally:
            await end(copies)

    async def _abort(self, upload: Mapping[str, str]) -> None:
        """Give a multipart upload up; a sweep finds it when this fails."""
        try:
            await self._call("abort_multipart_upload", **upload)
        except (ObjectMissingError, UnavailableError):
            log.info("multipart upload left behind", key=upload["Key"])

    async def read(self, name: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield a range of an object, going on where a broken connection ended.

        Raises:
            ObjectMissingError: The object is not there, or shorter.
        """
        position, end_position = start, start + length
        pauses = iter(PAUSES)
        while position < end_position:
            try:
                async with aclosing(
                    self._stream(name, position, end_position)
                ) as pieces:
                    async for piece in pieces:
                        position += len(piece)
                        pauses = iter(PAUSES)
                        yield piece
            except _BrokenOffError as error:
                if (pause := next(pauses, None)) is None:
                    raise UnavailableError("the object store breaks off") from error
                await asyncio.sleep(pause)

    async def _stream(
        self, name: str, start: int, end_position: int
    ) -> AsyncGenerator[bytes]:
        answer = await self._call(
            "get_object", Key=name, Range=f"bytes={start}-{end_position - 1}"
        )
        async with answer["Body"] as body:
            sent = _CONTENT_RANGE.fullmatch(answer.get("ContentRange", ""))
            if sent is None or int(sent["first"]) != start:
                raise UnavailableError("the object store does not send ranges")
            if int(sent["size"]) < end_position:
                raise ObjectMissingError(name)
            # The answer may have less than that; how much less only its end tells.
            expected = end_position - start
            while expected:
                piece = await _read_piece(body, min(PIECE_BYTES, expected))
                expected -= len(piece)
                yield piece

    async def delete(self, names: Sequence[str]) -> None:
        """Remove objects; those already gone are no error."""
        for start in range(0, len(names), KEYS_PER_DELETE):
            batch = [{"Key": name} for name in names[start : start + KEYS_PER_DELETE]]
            answer = await self._call(
                "delete_objects", Delete={"Objects": batch, "Quiet": True}
            )
            failed = [
                error
                for error in answer.get("Errors", [])
                if error.get("Code") not in _MISSING
            ]
            if failed:
                log.error("objects not deleted", error=failed[0])
                raise UnavailableError("the object store did not delete")

    async def pages(self, prefix: str) -> AsyncIterator[list[tuple[str, datetime]]]:
        """List names and times of objects, a page at a time."""
        position: dict[str, str] = {}
        while True:
            answer = await self._call("list_objects_v2", Prefix=prefix, **position)
            yield [
                (item["Key"], item["LastModified"])
                for item in answer.get("Contents", [])
            ]
            if not answer.get("IsTruncated"):
                return
            position = {"ContinuationToken": answer["NextContinuationToken"]}

    async def abort_older(self, prefix: str, before: datetime) -> int:
        """Give up the multipart uploads begun before a time; return how many."""
        count, position = 0, dict[str, str]()
        while True:
            answer = await self._call(
                "list_multipart_uploads", Prefix=prefix, **position
            )
            for item in answer.get("Uploads", []):
                if item["Initiated"] < before:
                    await self._abort(
                        {"Key": item["Key"], "UploadId": item["UploadId"]}
                    )
                    count += 1
            if not answer.get("IsTruncated"):
                return count
            position = {
                "KeyMarker": answer["NextKeyMarker"],
                "UploadIdMarker": answer["NextUploadIdMarker"],
            }

    async def sign(self, name: str, seconds: int) -> str:
        """Return an address from which anybody may read an object for a while."""
        client = await self._connected()
        with _translated("sign"):
            url: str = await client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._location.bucket, "Key": name},
                ExpiresIn=seconds,
            )
            return url


async def end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _read_piece(body: Any, size: int) -> bytes:
    """Read so many bytes, or those before the answer breaks off."""
    pieces, missing = list[bytes](), size
    while missing and (piece := await _read_some(body, missing)):
        pieces.append(piece)
        missing -= len(piece)
    if not pieces:
        raise _BrokenOffError
    return b"".join(pieces)


async def _read_some(body: Any, size: int) -> bytes:
    """Read what there is; nothing at the end, whether it was meant to be or not."""
    try:
        piece: bytes = await body.read(size)
    except _NO_ANSWER as error:
        log.info("object store broke off", error=repr(error))
        return b""
    return piece


def _connection(location: S3Location, answer_seconds: float) -> Any:
    encrypted = (location.endpoint or "https:").startswith("https:")
    config = AioConfig(
        signature_version="s3v4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=answer_seconds,
        max_pool_connections=UNBOUNDED,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        s3={
            "addressing_style": "path" if location.path_style else "auto",
            # Where TLS guards the bytes, a hash of them would do so again.
            "payload_signing_enabled": not encrypted,
        },
        # Servers other than Amazon's refuse or misread the newer checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return get_session().create_client(
        "s3",
        region_name=location.region,
        endpoint_url=location.endpoint,
        config=config,
    )


def _put_options(location: S3Location) -> dict[str, str]:
    options = {
        "ServerSideEncryption": location.sse,
        "SSEKMSKeyId": location.sse_key,
        "StorageClass": location.storage_class,
    }
    return {name: value for name, value in options.items() if value is not None}


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _MISSING:
            raise ObjectMissingError(operation) from error
        log.warning("object store refused", operation=operation, code=code)
        raise UnavailableError("the object store does not answer") from error
    except _NO_ANSWER as error:
        log.warning("object store failed", operation=operation, error=repr(error))
        raise UnavailableError("the object store does not answer") from error
