"""Object storage: images by key, written once, behind signed URLs.

A key says whose it is: `photos/UPLOADER/NAME`, `avatars/UPLOADER/NAME`, `chat/CONVERSATION/UPLOADER/RANDOM`. Photos and
avatars are public, since anybody may see a listing or a profile; a chat's images need a signed URL, which the chat gives to
those who may read the chat. An object never changes once it is there: chat images are evidence, kept as they came.

A photo or an avatar is uploaded under a random name, and shown under one made of what it is (`infra.images`): scaled, without
what its camera has written beside it, and smaller ones with `_720` and `_240` behind. The answer to the upload says which.

    PUT /v1/objects/KEY?expires=MS&max_bytes=N&type=image/jpeg&sig=...
    GET /v1/objects/KEY?expires=MS&sig=...                              (photos and avatars: without a query)

`sig` is HMAC-SHA256 in base64url over the method, the key and the other parameters, so that no URL serves for anything else.
`ObjectStore` is the port; `LocalObjects` keeps files on a disk. An S3-compatible store signs URLs of its own.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, Protocol
from urllib.parse import urlencode

from msgspec import Meta

from infra import images
from infra.action import view
from infra.config import Config
from infra.process import Process
from infra.redis.quota import Quota
from market.kernel.actor import Call
from market.kernel.errors import AlreadyDone, BadInput, BadSignature, NotFound, TooLarge
from market.kernel.ids import Id

MAX_BYTES = 5 * 1024 * 1024
UPLOAD_MS = 10 * 60 * 1000
DOWNLOAD_MS = 15 * 60 * 1000
WRITE_BYTES = 256 * 1024
"""So much is gathered before a thread writes it: a hop per network chunk would cost more than the write."""

DECODED_AT_ONCE = 2
"""Per process: a decoded image may take a hundred megabytes."""

MOST_A_DAY, MOST_BYTES_A_DAY = 200, 400 * 1024 * 1024
"""Uploads that one user may ask for between two midnights UTC, and their bytes."""

MAGIC_BYTES = 12
_KEY = re.compile(
    r"(?:(?:photos|avatars)/[0-9]{1,19}|chat/[0-9]{1,19}/[0-9]{1,19})/(?:[A-Za-z0-9_-]{22}|[A-Za-z0-9_-]{33}(?:_720|_240)?)"
)
_PUBLIC = ("photos/", "avatars/")

ContentType = Literal["image/jpeg", "image/png", "image/webp"]
CONTENT_TYPES: tuple[ContentType, ...] = ("image/jpeg", "image/png", "image/webp")


def image_type(head: bytes) -> ContentType | None:
    """What the first bytes say: JPEG (JFIF, Exif), PNG (RFC 2083), WebP (RIFF container), or none of them."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def check_key(key: str) -> str:
    """The key, if it is one of ours: nothing else ever becomes a path. Raise NotFound."""
    if not _KEY.fullmatch(key):
        raise NotFound("there is no such object")
    return key


def is_public(key: str) -> bool:
    return key.startswith(_PUBLIC)


def is_photo(key: str) -> bool:
    """Whether what is uploaded under the key is shown under another, worked over."""
    return is_public(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What an upload has become: what to name it by, and where everybody may see it (nowhere, for a chat's)."""

    object_key: str
    public_url: str
    width: int = 0
    height: int = 0


class ObjectStore(Protocol):
    """What wings know of object storage. URLs are absolute; `now_ms` is UTC."""

    def upload_url(
        self, key: str, content_type: ContentType, max_bytes: int, now_ms: int
    ) -> tuple[str, int]:
        """(URL to PUT to, when it expires in UTC ms)."""

    def download_url(self, key: str, now_ms: int) -> str: ...

    async def exists(self, key: str) -> bool: ...


class LocalObjects:
    """Files under `root`. Several processes may share it; `key` (32 bytes) signs the URLs."""

    def __init__(self, root: Path, public_url: str, key: bytes) -> None:
        self._root = root
        self._base = f"{public_url.rstrip('/')}/v1/objects/"
        self._key = key
        self._at_once = asyncio.Semaphore(DECODED_AT_ONCE)

    def upload_url(
        self, key: str, content_type: ContentType, max_bytes: int, now_ms: int
    ) -> tuple[str, int]:
        expires = now_ms + UPLOAD_MS
        query = {"expires": str(expires), "max_bytes": str(max_bytes), "type": content_type}
        return self._signed("PUT", key, query), expires

    def download_url(self, key: str, now_ms: int) -> str:
        """A public object's plain URL, or one that works for `DOWNLOAD_MS`."""
        if is_public(key):
            return self._base + key
        return self._signed("GET", key, {"expires": str(now_ms + DOWNLOAD_MS)})

    def check_signature(self, method: str, key: str, query: dict[str, str], now_ms: int) -> None:
        """Raise BadSignature when anything was changed, is missing, or the time is over."""
        unsigned = {name: value for name, value in query.items() if name != "sig"}
        given = query.get("sig", "").encode()
        if not hmac.compare_digest(self._mac(method, key, unsigned).encode(), given):
            raise BadSignature("the URL's signature does not match")
        if now_ms >= int(query["expires"]):
            raise BadSignature("the URL has expired")

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._path(key).is_file)

    async def find(self, key: str) -> tuple[Path, ContentType]:
        """The file and its type. Raise NotFound."""
        path = self._path(key)

        def look() -> ContentType | None:
            try:
                with path.open("rb") as file:
                    return image_type(file.read(MAGIC_BYTES))
            except FileNotFoundError:
                return None

        found = await asyncio.to_thread(look)
        if found is None:
            raise NotFound("there is no such object")
        return path, found

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], content_type: str, max_bytes: int
    ) -> int:
        """Write an object once; its length. Nothing is left of what is refused.

        Raise TooLarge as soon as the limit is passed, BadInput when the bytes are not of `content_type`, AlreadyDone when
        the key holds other bytes (the same bytes may be put again: an answer can be lost).
        """
        path = self._path(key)
        limit = min(max_bytes, MAX_BYTES)
        file = await asyncio.to_thread(_open_temporary, path.parent)
        try:
            length, held, checked = 0, bytearray(), False
            async for chunk in chunks:
                length += len(chunk)
                if length > limit:
                    raise TooLarge(f"the object may have {limit} bytes", max_bytes=limit)
                held += chunk
                if not checked and len(held) >= MAGIC_BYTES:
                    _check_type(held, content_type)
                    checked = True
                if len(held) >= WRITE_BYTES:
                    await asyncio.to_thread(file.write, bytes(held))
                    held.clear()
            if not checked:
                _check_type(held, content_type)
            await asyncio.to_thread(_finish, file, bytes(held), path)
        finally:
            await asyncio.to_thread(_discard, file)
        return length

    async def put_photo(
        self, key: str, chunks: AsyncIterator[bytes], content_type: str, max_bytes: int
    ) -> Stored:
        """Take an upload of a photo or an avatar and keep what is shown of it. The same bytes again: the same answer.

        Raise TooLarge as soon as the limit is passed, BadInput, BadImage, AlreadyDone when the upload was of other bytes.
        """
        receipt, limit, raw = self._path(key), min(max_bytes, MAX_BYTES), bytearray()
        async for chunk in chunks:
            raw += chunk
            if len(raw) > limit:
                raise TooLarge(f"the object may have {limit} bytes", max_bytes=limit)
        _check_type(raw, content_type)
        async with self._at_once:
            return await asyncio.to_thread(self._keep, key, receipt, bytes(raw), content_type)

    def _keep(self, key: str, receipt: Path, raw: bytes, content_type: str) -> Stored:
        """Blocks. What is shown first, then the receipt: whoever dies in between does it again."""
        digest = hashlib.sha256(raw).hexdigest()
        if receipt.exists():
            known = json.loads(receipt.read_bytes())
            if known.pop("raw") != digest:
                raise AlreadyDone("the object has been uploaded")
            return self._stored(**known)
        shown = images.prepare(raw, content_type)
        folder = key.rpartition("/")[0]
        for behind, content in shown.files.items():
            _write(self._path(f"{folder}/{shown.name}{behind}"), content)
        known = {"key": f"{folder}/{shown.name}", "width": shown.width, "height": shown.height}
        _write(receipt, json.dumps({**known, "raw": digest}).encode())
        return self._stored(**known)

    def _stored(self, key: str, width: int, height: int) -> Stored:
        return Stored(object_key=key, public_url=self._base + key, width=width, height=height)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _signed(self, method: str, key: str, query: dict[str, str]) -> str:
        signature = self._mac(method, check_key(key), query)
        return f"{self._base}{key}?{urlencode({**query, 'sig': signature})}"

    def _mac(self, method: str, key: str, query: dict[str, str]) -> str:
        text = "\n".join((method, key, urlencode(sorted(query.items()))))
        digest = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _check_type(head: bytes | bytearray, content_type: str) -> None:
    if image_type(bytes(head[:MAGIC_BYTES])) != content_type:
        raise BadInput("these bytes are not an image of that type", content_type=content_type)


def _open_temporary(folder: Path) -> BinaryIO:
    folder.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that the last step is within one file system.
    return tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False)  # type: ignore[return-value]


def _finish(file: BinaryIO, rest: bytes, path: Path) -> None:
    file.write(rest)
    file.flush()
    os.fsync(file.fileno())
    try:
        os.link(file.name, path)  # all at once, and unlike a rename never over what is there
    except FileExistsError:
        if path.read_bytes() != Path(file.name).read_bytes():
            raise AlreadyDone("the object has been uploaded") from None


def _write(path: Path, content: bytes) -> None:
    file = _open_temporary(path.parent)
    try:
        _finish(file, content, path)
    finally:
        _discard(file)


def _discard(file: BinaryIO) -> None:
    file.close()
    Path(file.name).unlink(missing_ok=True)


def open_store(config: Config) -> LocalObjects:
    return LocalObjects(
        Path(config.text("OBJECTS_DIR")), config.text("PUBLIC_URL"), config.key("OBJECTS_KEY")
    )


class Spends(Protocol):
    async def spend(self, user_id: Id, amounts: Mapping[str, int], now_ms: int) -> None:
        """Raise QuotaSpent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """A wing without a database, so that uploads can be asked for like anything else."""

    store: LocalObjects
    quota: Spends | None = None


async def open_wing(process: Process) -> Objects:
    limits = {"uploads": MOST_A_DAY, "bytes": MOST_BYTES_A_DAY}
    return Objects(store=open_store(process.config), quota=Quota(process.redis, limits))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpload:
    """`conversation_id` is needed for purpose chat."""

    purpose: Literal["photo", "avatar", "chat"]
    content_type: ContentType
    size_bytes: Annotated[int, Meta(ge=1, le=2**31, description="at most 5 MiB")]
    conversation_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadView:
    """PUT the bytes to `upload_url` before `expires_ms` (UTC). The answer to that says `object_key` and `public_url`, under which
    a photo or an avatar is shown; for a chat's image the key is known before."""

    object_key: str
    upload_url: str
    expires_ms: int
    max_bytes: int


@view("objects.sign_upload")
async def sign_upload(objects: Objects, call: Call, query: SignUpload) -> UploadView:
    """A place for one image of at most 5 MiB. Every asking gives a new one, and counts for the day's quota."""
    if query.size_bytes > MAX_BYTES:
        raise TooLarge(f"an image may have {MAX_BYTES} bytes", max_bytes=MAX_BYTES)
    if (query.purpose == "chat") != (query.conversation_id is not None):
        raise BadInput("conversation_id goes with purpose chat")
    if objects.quota is not None:
        spent = {"uploads": 1, "bytes": query.size_bytes}
        await objects.quota.spend(call.actor.user_id, spent, call.now_ms)
    folder = {"photo": "photos", "avatar": "avatars", "chat": f"chat/{query.conversation_id}"}[
        query.purpose
    ]
    key = f"{folder}/{call.actor.user_id}/{secrets.token_urlsafe(16)}"
    url, expires_ms = objects.store.upload_url(
        key, query.content_type, query.size_bytes, call.now_ms
    )
    return UploadView(
        object_key="" if is_photo(key) else key, upload_url=url, expires_ms=expires_ms,
        max_bytes=query.size_bytes,
    )  # fmt: skip
