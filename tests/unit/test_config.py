from datetime import timedelta
from pathlib import Path

import pytest

from moorage.config import (
    Settings,
    SettingsError,
    as_environment,
    describe,
    load_settings,
)
from moorage.domain.networks import is_in


def test_defaults_serve_a_team_without_set_up() -> None:
    settings = load_settings({}, {})
    assert settings.public_url == "http://127.0.0.1:5000"
    assert settings.database == "sqlite:///data/moorage.db"
    assert settings.blob_folder == Path("data/blobs")
    assert settings.gc_lease == timedelta(hours=2)


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "moorage.toml"
    file.write_text('workers = 2\ntoken_lifetime = "1h"\ncreate_on_push = false\n')
    environment = {"MOORAGE_WORKERS": "3", "MOORAGE_TOKEN_LIFETIME": "2h"}
    settings = load_settings({"workers": "4"}, environment, file)
    assert settings.workers == 4
    assert settings.token_lifetime == timedelta(hours=2)
    assert settings.create_on_push is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen", "5000"),
        ("listen", "localhost:http"),
        ("listen", "localhost:70000"),
        ("external_url", "registry.example"),
        ("database_url", "mysql://x"),
        ("storage_url", "ftp://x"),
        ("storage_url", "s3://"),
        ("storage_url", "s3://bucket?endpoint=s3.example"),
        ("workers", "0"),
        ("workers", "-1"),
        ("workers", "two"),
        ("gc_lease", "soon"),
        ("gc_lease", "0"),
        ("create_on_push", "perhaps"),
        ("tag_date", "yesterday"),
        ("max_blob_bytes", "1e9"),
        ("data_dir", ""),
        ("tls_cert", "/nowhere/cert.pem"),
        ("tls_key", "/"),
        ("trusted_proxies", "10.0.0.0/33"),
        ("trusted_proxies", "proxy.example"),
        ("redirect_downloads", "perhaps"),
        ("redirect_downloads", "true, 10.0.0.0/8"),
        ("accel_redirect", "moorage-files"),
        ("accel_redirect", "/"),
        ("accel_redirect", "/moorage files"),
        ("accel_redirect", "/moorage-files?x"),
        ("notifications", "hooks.example"),
        ("notifications", "https://hooks.example, ftp://x"),
    ],
)
def test_a_wrong_value_is_one_sentence(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {f"MOORAGE_{name.upper()}": value})
    sentence = str(caught.value)
    assert sentence.startswith(f"MOORAGE_{name.upper()} is {value!r}, but must be ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_name_that_is_no_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        load_settings({}, {"MOORAGE_WROKERS": "2"})
    file = tmp_path / "moorage.toml"
    file.write_text("wrokers = 2")
    with pytest.raises(SettingsError):
        load_settings({}, {}, file)
    file.write_text("workers = ")
    with pytest.raises(SettingsError):
        load_settings({}, {}, file)
    with pytest.raises(SettingsError):
        load_settings({}, {}, tmp_path / "missing.toml")


def test_settings_survive_the_way_to_another_process() -> None:
    given = {
        "data_dir": "/somewhere",
        "listen": "[::1]:80",
        "gc_lease": "1 year",
        "upload_expiry": "0.5s",
        "sparse_indexes": "true",
        "sparse_images": "true",
        "trusted_proxies": "10.0.0.0/8, ::1",
        "redirect_downloads": "10.0.0.0/8, fd00::/8",
        "accel_redirect": "/internal/moorage-files/",
        "notifications": "https://a.example/x, https://b.example",
    }
    settings = load_settings(given, {})
    assert load_settings({}, as_environment(settings)) == settings


@pytest.mark.parametrize("given", ["true", "false", ""])
def test_everybody_or_nobody_is_sent_on_in_other_processes_too(given: str) -> None:
    settings = load_settings({"redirect_downloads": given}, {})
    assert is_in("2001:db8::1", settings.redirect_downloads) is (given == "true")
    assert is_in("192.0.2.1", settings.redirect_downloads) is (given == "true")
    assert load_settings({}, as_environment(settings)) == settings


def test_a_duration_of_zero_reaches_other_processes() -> None:
    settings = load_settings({"undo_window": "0"}, {})
    assert load_settings({}, as_environment(settings)) == settings


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    file = tmp_path / "x.pem"
    file.write_text("x")
    for name, other in (("CERT", "KEY"), ("KEY", "CERT")):
        with pytest.raises(SettingsError) as caught:
            load_settings({f"tls_{name.lower()}": str(file)}, {})
        sentence = f"MOORAGE_TLS_{name} is set, but MOORAGE_TLS_{other} is not."
        assert str(caught.value) == sentence


def test_what_is_no_certificate_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "x.pem"
    file.write_text("x")
    with pytest.raises(SettingsError, match="are not a certificate and its key") as no:
        load_settings({"tls_cert": str(file), "tls_key": str(file)}, {})
    assert "\n" not in str(no.value)


def test_every_setting_is_described() -> None:
    rows = describe()
    assert [row.name for row in rows] == list(Settings.__dataclass_fields__)
    assert all(row.sentence.endswith(".") for row in rows)
