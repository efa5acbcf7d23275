"""The settings: one table of name, type, default and sentence.

A setting comes from the command line, else the environment, else the configuration
file, else its default. What cannot be read stops the start with one sentence.
"""

from __future__ import annotations

import os
import re
import ssl
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from moorage.domain.durations import DurationInvalidError, parse_duration
from moorage.domain.errors import RegistryError
from moorage.domain.manifest import TagDate
from moorage.domain.networks import EVERYWHERE, Network, parse_networks
from moorage.domain.object_storage import S3Location
from moorage.domain.webhooks import WebhookInvalidError, check_url

PREFIX = "MOORAGE_"

MAX_PORT = 65535


class SettingsError(RegistryError):
    """A setting that cannot be used; the message is the sentence to print."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Networks(tuple[Network, ...]):
    """Networks, as a list separated by commas writes them."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(str(network) for network in self)


class Urls(tuple[str, ...]):
    """URLs, as a list separated by commas writes them."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(self)


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > MAX_PORT:
        raise ValueError("an address such as 127.0.0.1:5000")
    return Address(host.strip("[]"), int(port))


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not (parts.netloc or parts.path):
            wanted = " or ".join(f"{scheme}://…" for scheme in schemes)
            raise ValueError(f"a URL of the form {wanted}")
        return text.rstrip("/")

    return parse


def _storage(text: str) -> str:
    if not text.startswith("s3:"):
        return _url("file", "s3")(text)
    S3Location.parse(text)
    return text


def _duration(text: str) -> timedelta:
    if text.strip() == "0":
        return timedelta(0)
    try:
        return parse_duration(text)
    except DurationInvalidError as error:
        raise ValueError("a duration such as 5m, 2h or 7d") from error


def _positive_duration(text: str) -> timedelta:
    duration = _duration(text)
    if not duration:
        raise ValueError("a duration such as 5m, and not 0")
    return duration


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError("a whole number, 0 or more")
    return int(text)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) == 0:
        raise ValueError("a whole number above 0")
    return int(text)


_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError("true or false") from None


def _tag_date(text: str) -> TagDate:
    try:
        return TagDate(text)
    except ValueError:
        raise ValueError("created or pushed") from None


def _networks(text: str) -> Networks:
    try:
        return Networks(parse_networks(text))
    except ValueError as error:
        raise ValueError(
            "networks separated by commas, such as 10.0.0.0/8, 127.0.0.1"
        ) from error


def _redirected(text: str) -> Networks:
    """Read who is sent on: everybody, nobody, or clients in some networks."""
    try:
        return Networks(EVERYWHERE if _boolean(text) else ())
    except ValueError:
        pass
    try:
        return _networks(text)
    except ValueError as error:
        raise ValueError(f"true, false or {error}") from error


def _location(text: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+/?", text):
        raise ValueError("the path of a location of nginx, such as /moorage-files")
    return text.rstrip("/")


def _urls(text: str) -> Urls:
    found = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return Urls(tuple(check_url(url) for url in found))
    except WebhookInvalidError as error:
        raise ValueError("http:// or https:// URLs separated by commas") from error


def _file(text: str) -> Path:
    try:
        Path(text).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"a file that can be read ({reason})") from error
    return Path(text)


def _path(text: str) -> Path:
    if not text:
        raise ValueError("a folder")
    return Path(text)


def _setting(parse: Callable[[str], Any], default: str | None, sentence: str) -> Any:
    return field(metadata={"parse": parse, "default": default, "sentence": sentence})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, read and checked."""

    data_dir: Path = _setting(_path, "./data", "The folder that holds everything.")
    listen: Address = _setting(
        _address, "127.0.0.1:5000", "The address and port to listen on."
    )
    external_url: str | None = _setting(
        _url("http", "https"),
        None,
        "The address that clients use; by default that of the listener.",
    )
    database_url: str | None = _setting(
        _url("sqlite", "postgresql", "postgres"),
        None,
        "Where metadata is kept; a file in the data folder by default.",
    )
    read_database_url: str | None = _setting(
        _url("postgresql", "postgres"),
        None,
        "A streaming replica of the PostgreSQL database, for reads.",
    )
    storage_url: str | None = _setting(
        _storage,
        None,
        "Where blobs are kept; a folder in the data folder by default.",
    )
    workers: int = _setting(
        _positive, str(os.cpu_count() or 1), "Processes that serve requests."
    )
    shutdown_delay: timedelta = _setting(
        _duration,
        "0",
        "How long a server that is to stop says so and serves on; 0: not at all.",
    )
    shutdown_timeout: timedelta = _setting(
        _positive_duration,
        "30s",
        "How long requests under way may take then.",
    )
    root_token: str | None = _setting(
        str, None, "The first administrator's token; made on first start by default."
    )
    cleanup_interval: timedelta = _setting(
        _duration, "1h", "Time between two bulk deletes of one repository; 0: none."
    )
    undo_window: timedelta = _setting(
        _duration,
        "7d",
        "How long what was deleted can be restored, and holds its bytes; 0: not.",
    )
    gc_lease: timedelta = _setting(
        _positive_duration,
        "2h",
        "How long content that nothing reaches is safe after its last upload or check.",
    )
    tag_date: TagDate = _setting(
        _tag_date,
        "created",
        "The date of a tag, by which clean-up orders: its image's, or of its push.",
    )
    create_on_push: bool = _setting(
        _boolean, "true", "Whether a push may create the project."
    )
    token_lifetime: timedelta = _setting(
        _positive_duration, "5m", "How long registry tokens are valid."
    )
    upload_expiry: timedelta = _setting(
        _positive_duration, "1d", "When an upload session without progress ends."
    )
    max_blob_bytes: int = _setting(_count, "0", "Largest blob accepted; 0: no limit.")
    max_manifest_bytes: int = _setting(
        _positive, str(4 << 20), "Largest manifest accepted."
    )
    sparse_indexes: bool = _setting(
        _boolean, "false", "Whether an index may list manifests that are missing."
    )
    sparse_images: bool = _setting(
        _boolean, "false", "Whether an image may name blobs that are missing."
    )
    redirect_downloads: Networks = _setting(
        _redirected,
        "false",
        "Whether clients fetch blobs from the object store; or the networks of those.",
    )
    accel_redirect: str | None = _setting(
        _location,
        None,
        "The internal location from which nginx, if it is trusted, sends blobs' files.",
    )
    tls_cert: Path | None = _setting(
        _file, None, "The certificate chain, in PEM, that the listener shows."
    )
    tls_key: Path | None = _setting(_file, None, "The certificate's key, in PEM.")
    trusted_proxies: Networks = _setting(
        _networks, "", "Networks whose forwarded headers are believed."
    )
    notifications: Urls = _setting(
        _urls, "", "URLs that are told of every push, pull and delete."
    )

    @property
    def public_url(self) -> str:
        """The address that clients use."""
        return self.external_url or f"{self.scheme}://{self.listen}"

    @property
    def scheme(self) -> str:
        """What the listener speaks."""
        return "http" if self.tls_cert is None else "https"

    @property
    def database(self) -> str:
        """The URL of the metadata database."""
        return self.database_url or f"sqlite:///{self.data_dir}/moorage.db"

    @property
    def blob_folder(self) -> Path:
        """The folder of the blob store."""
        if self.storage_url is None:
            return self.data_dir / "blobs"
        return Path(self.storage_url.removeprefix("file://"))

    @property
    def object_storage(self) -> S3Location | None:
        """The bucket of the blob store, where blobs are not kept in a folder."""
        if self.storage_url is None or not self.storage_url.startswith("s3:"):
            return None
        return S3Location.parse(self.storage_url)


@dataclass(frozen=True, slots=True)
class Description:
    """A row of the table of settings, for help and documentation."""

    name: str
    environment: str
    default: str | None
    sentence: str

    @property
    def shown_default(self) -> str:
        """The default as documents write it; some depend on the machine."""
        if self.name == "workers":
            return "number of cores"
        return f"`{self.default}`" if self.default else "none"


def describe() -> list[Description]:
    """Return the table of settings."""
    return [
        Description(
            item.name,
            PREFIX + item.name.upper(),
            item.metadata["default"],
            item.metadata["sentence"],
        )
        for item in fields(Settings)
    ]


def load_settings(
    arguments: Mapping[str, str],
    environment: Mapping[str, str],
    file: Path | None = None,
) -> Settings:
    """Read every setting.

    Raises:
        SettingsError: A value that cannot be read, or a name in the file or in the
            environment that is no setting.
    """
    known = {item.name for item in fields(Settings)}
    from_environment = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    for name in from_environment.keys() - known:
        raise SettingsError(f"{PREFIX}{name.upper()} is not a setting.")
    from_file = {} if file is None else _read_file(file, known)
    given = {**from_file, **from_environment, **arguments}
    values = {
        item.name: _read(item.name, item.metadata, given) for item in fields(Settings)
    }
    settings = Settings(**values)
    _check_tls(settings)
    return settings


def _check_tls(settings: Settings) -> None:
    certificate, key = settings.tls_cert, settings.tls_key
    if (certificate is None) != (key is None):
        given, missing = ("CERT", "KEY") if key is None else ("KEY", "CERT")
        raise SettingsError(
            f"{PREFIX}TLS_{given} is set, but {PREFIX}TLS_{missing} is not."
        )
    if certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            certificate, key, password=""
        )
    except (ssl.SSLError, ValueError, OSError) as error:
        raise SettingsError(
            f"{PREFIX}TLS_CERT ({certificate}) and {PREFIX}TLS_KEY ({key}) are not a "
            f"certificate and its key without a password, in PEM: {error}."
        ) from error


def _read(name: str, metadata: Mapping[str, Any], given: Mapping[str, str]) -> Any:
    text = given.get(name, metadata["default"])
    if text is None:
        return None
    try:
        return metadata["parse"](text)
    except ValueError as error:
        raise SettingsError(
            f"{PREFIX}{name.upper()} is {text!r}, but must be {error}."
        ) from error


def _read_file(path: Path, known: set[str]) -> dict[str, str]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not a TOML file: {error}.") from error
    for name in content.keys() - known:
        raise SettingsError(f"{name} in {path} is not a setting.")
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in content.items()
    }


def as_environment(settings: Settings) -> dict[str, str]:
    """Write settings the way another process reads them."""
    values = {item.name: getattr(settings, item.name) for item in fields(Settings)}
    return {
        PREFIX + name.upper(): _write(value)
        for name, value in values.items()
        if value is not None
    }


def _write(value: object) -> str:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():f}" if value else "0"
    return str(value).lower() if isinstance(value, bool) else str(value)
