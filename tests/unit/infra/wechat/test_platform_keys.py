"""Several keys at once, from a directory that changes."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from infra.config import ConfigError
from infra.wechat.platform_keys import PlatformKeys
from infra.wechat.signing import load_platform_key
from tests.unit.infra.wechat.conftest import Pair

SERIAL = 0x5157F09EFDC096DE15EBE81A47057A7232F1B8E1


def certificate(pair: Pair, serial: int = SERIAL) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com")])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(pair.public)
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=1825))
        .sign(pair.private, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def test_a_key_and_a_certificate_side_by_side(
    merchant: Pair, platform: Pair, tmp_path: Path
) -> None:
    keys = PlatformKeys({"PUB_KEY_ID_1": platform.public}, tmp_path)
    assert list(keys) == ["PUB_KEY_ID_1"]
    (tmp_path / f"{SERIAL:X}.pem").write_bytes(certificate(merchant))
    (tmp_path / "README.txt").write_text("not a key")
    keys.refresh()
    assert set(keys) == {"PUB_KEY_ID_1", f"{SERIAL:X}"}
    assert keys[f"{SERIAL:X}"].public_numbers() == merchant.public.public_numbers()
    assert keys["PUB_KEY_ID_1"] is platform.public
    assert keys.get("PUB_KEY_ID_2") is None


def test_a_key_that_is_taken_away_is_gone(platform: Pair, tmp_path: Path) -> None:
    file = tmp_path / "PUB_KEY_ID_2.pem"
    file.write_bytes(platform.public_file.read_bytes())
    keys = PlatformKeys({}, tmp_path)
    assert list(keys) == ["PUB_KEY_ID_2"]
    file.unlink()
    keys.refresh()
    assert len(keys) == 0


def test_a_broken_file_costs_the_others_nothing(platform: Pair, tmp_path: Path) -> None:
    (tmp_path / "PUB_KEY_ID_1.pem").write_text("nonsense")
    (tmp_path / "00FF.pem").write_bytes(certificate(platform))  # under another's name
    (tmp_path / "PUB_KEY_ID_2.pem").write_bytes(platform.public_file.read_bytes())
    assert list(PlatformKeys({}, tmp_path)) == ["PUB_KEY_ID_2"]


def test_a_file_that_is_still_being_written_is_read_again(platform: Pair, tmp_path: Path) -> None:
    pem = platform.public_file.read_bytes()
    (tmp_path / "PUB_KEY_ID_2.pem").write_bytes(pem[:100])
    keys = PlatformKeys({}, tmp_path)
    assert len(keys) == 0
    (tmp_path / "PUB_KEY_ID_2.pem").write_bytes(pem)
    keys.refresh()
    assert list(keys) == ["PUB_KEY_ID_2"]


def test_no_directory_is_an_empty_one(platform: Pair, tmp_path: Path) -> None:
    keys = PlatformKeys({}, tmp_path / "later")
    assert len(keys) == 0
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "PUB_KEY_ID_2.pem").write_bytes(platform.public_file.read_bytes())
    keys.refresh()
    assert list(keys) == ["PUB_KEY_ID_2"]


def test_a_certificate_is_its_serials(platform: Pair, tmp_path: Path) -> None:
    file = tmp_path / "platform.pem"
    file.write_bytes(certificate(platform))
    assert load_platform_key(file, f"{SERIAL:x}").public_numbers() == (
        platform.public.public_numbers()
    )
    with pytest.raises(ConfigError, match="is not the certificate"):
        load_platform_key(file, "5F")
