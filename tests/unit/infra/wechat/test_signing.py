from __future__ import annotations

import base64
import dataclasses
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.config import ConfigError
from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.signing import (
    PROBE,
    Unverified,
    authorization,
    load_merchant_key,
    load_platform_key,
    sign,
    unseal,
    verify,
)
from tests.unit.infra.wechat.conftest import APIV3_KEY, Pair, PayConfig

lines = st.lists(st.binary(max_size=60), min_size=1, max_size=5)
few = settings(max_examples=40, deadline=None)


@few
@given(lines)
def test_what_is_signed_verifies(merchant: Pair, what: list[bytes]) -> None:
    verify(merchant.public, sign(merchant.private, *what), *what)


@few
@given(st.binary(min_size=1, max_size=80), st.data())
def test_any_changed_byte_is_noticed(merchant: Pair, body: bytes, data: st.DataObject) -> None:
    signature = sign(merchant.private, b"1", b"n", body)
    where = data.draw(st.integers(0, len(body) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = body[:where] + bytes([body[where] ^ flip]) + body[where + 1 :]
    with pytest.raises(Unverified):
        verify(merchant.public, signature, b"1", b"n", changed)


@few
@given(st.text(max_size=400))
def test_no_text_is_a_signature_by_chance(merchant: Pair, text: str) -> None:
    with pytest.raises(Unverified):
        verify(merchant.public, text, b"body")


def test_somebody_elses_signature_and_probes_are_refused(merchant: Pair, platform: Pair) -> None:
    theirs = sign(platform.private, b"body")
    for signature in (theirs, PROBE + theirs, PROBE, ""):
        with pytest.raises(Unverified):
            verify(merchant.public, signature, b"body")


def test_the_authorization_header_covers_the_request(merchant: Pair) -> None:
    header = authorization(
        merchant.private,
        method="POST",
        target="/v3/x?y=%7C",
        body="{好}".encode(),
        mchid="190",
        serial="5F",
        timestamp_s=1782288000,
        nonce="n1",
    )
    scheme, _, rest = header.partition(" ")
    part = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert (part["mchid"], part["serial_no"], part["timestamp"], part["nonce_str"]) == (
        "190",
        "5F",
        "1782288000",
        "n1",
    )
    # Written out, so that the format is tested and not our own joining of it.
    message = "POST\n/v3/x?y=%7C\n1782288000\nn1\n{好}".encode()
    verify(merchant.public, part["signature"], message)


@few
@given(st.text(max_size=100))
def test_the_library_agrees_with_our_signatures(merchant: Pair, body: str) -> None:
    library = pytest.importorskip("wechatpayv3.async_.utils")
    ours = sign(merchant.private, b"17", b"n", body.encode())
    assert library.rsa_verify("17", "n", body, ours, merchant.public)
    theirs = library.rsa_sign(merchant.private, f"17\nn\n{body}\n")
    verify(merchant.public, theirs, b"17", b"n", body.encode())


@few
@given(st.binary(max_size=200), st.binary(min_size=12, max_size=12), st.binary(max_size=20))
def test_what_is_sealed_opens(plain: bytes, nonce: bytes, extra: bytes) -> None:
    sealed = base64.b64encode(AESGCM(APIV3_KEY).encrypt(nonce, plain, extra)).decode()
    assert unseal(APIV3_KEY, nonce=nonce, associated_data=extra, ciphertext=sealed) == plain
    with pytest.raises(Unverified):
        unseal(APIV3_KEY, nonce=nonce, associated_data=extra + b"x", ciphertext=sealed)
    with pytest.raises(Unverified):
        unseal(b"x" * 32, nonce=nonce, associated_data=extra, ciphertext=sealed)


@pytest.mark.parametrize(
    ("nonce", "ciphertext"), [(b"", "AAAA"), (b"n" * 12, "?"), (b"n" * 12, "é")]
)
def test_broken_seals_are_refused(nonce: bytes, ciphertext: str) -> None:
    with pytest.raises(Unverified):
        unseal(APIV3_KEY, nonce=nonce, associated_data=b"", ciphertext=ciphertext)


async def test_an_apiv3_key_of_another_length_is_explained(pay_config: PayConfig) -> None:
    short = dataclasses.replace(pay_config("http://x"), apiv3_key="short")
    with pytest.raises(ConfigError, match="32 bytes"):
        async with WechatEcommerce(short):
            pass


def test_wrong_key_files_are_explained(
    merchant: Pair, pay_config: PayConfig, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    for path in (empty, tmp_path / "missing.pem", merchant.public_file):
        with pytest.raises(ConfigError, match=str(path)):
            load_merchant_key(path)
    for path in (empty, tmp_path / "missing.pem", merchant.private_file):
        with pytest.raises(ConfigError, match=str(path)):
            load_platform_key(path, "PUB_KEY_ID_1")
