"""/v3/merchant/media/upload: pictures for an application.

Source: pay.weixin.qq.com, 图片上传: multipart/form-data of a description and the file; the description alone is
signed, and holds the file's SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import secrets

from aiohttp import web
from aiohttp.web import FileField

from sandbox.server.wire import json_answer, param_error

UPLOAD = "/v3/merchant/media/upload"
LARGEST_BYTES = 2 << 20
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")


async def described(request: web.Request) -> bytes:
    """The description, as it was sent: what the signature covers."""
    meta = (await request.post()).get("meta", b"")
    return (
        meta.encode()
        if isinstance(meta, str)
        else bytes(meta)
        if isinstance(meta, bytes | bytearray)
        else b""
    )


async def upload(request: web.Request) -> web.Response:
    try:
        meta = json.loads(await described(request))
    except ValueError:
        raise param_error("meta is not JSON") from None
    file = (await request.post()).get("file")
    if not isinstance(meta, dict) or not isinstance(file, FileField):
        raise param_error("give meta and file")
    content = file.file.read()
    if not file.filename.lower().endswith(ENDINGS) or meta.get("filename") != file.filename:
        raise param_error("filename must be a picture's, and the same in both parts")
    if len(content) > LARGEST_BYTES:
        raise param_error("a picture has 2 MB at most")
    if meta.get("sha256") != hashlib.sha256(content).hexdigest():
        raise param_error("sha256 is not the file's")
    return json_answer({"media_id": secrets.token_urlsafe(48)})
