"""Images: a place to put one, the putting, and the getting."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import ClientPayloadError, web

from api.routing import Routes, raw, route
from infra import objects
from infra.objects import Objects, Stored
from infra.process import now_ms
from market.kernel.errors import BadInput, BadSignature, TooLarge

UPLOAD_S = 120
"""5 MiB within it is 350 kbit/s; who is slower by far would hold a connection for nothing."""

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


async def put(wing: Objects, request: web.Request) -> web.Response:
    """Take an image under a URL of objects.sign_upload: 201 and what it has become.

    Raise BadSignature (403), TooLarge (413), BadInput (400) when the bytes are of another type, BadImage (400) when they are no
    picture that can be shown, AlreadyDone (409).
    """
    key, query = objects.check_key(request.match_info["key"]), _query(request)
    wing.store.check_signature("PUT", key, query, now_ms())
    max_bytes = int(query["max_bytes"])
    if (request.content_length or 0) > max_bytes:
        raise TooLarge(f"the object may have {max_bytes} bytes", max_bytes=max_bytes)
    try:
        async with asyncio.timeout(UPLOAD_S):
            stored = await _keep(wing, key, request, query["type"], max_bytes)
    except (ConnectionError, ClientPayloadError, web.RequestPayloadError, TimeoutError):
        raise BadInput("the upload broke off") from None
    return web.json_response(msgspec.to_builtins(stored), status=201)


async def _keep(
    wing: Objects, key: str, request: web.Request, content_type: str, max_bytes: int
) -> Stored:
    chunks = request.content.iter_any()
    if objects.is_photo(key):
        return await wing.store.put_photo(key, chunks, content_type, max_bytes)
    await wing.store.put(key, chunks, content_type, max_bytes)
    return Stored(object_key=key, public_url="")


async def get(wing: Objects, request: web.Request) -> web.StreamResponse:
    """Give an image: a public one to all, another under its signed URL. Raise BadSignature (403), NotFound (404)."""
    key = objects.check_key(request.match_info["key"])
    public = objects.is_public(key)
    if not public:
        wing.store.check_signature("GET", key, _query(request), now_ms())
    path, content_type = await wing.store.find(key)
    cache = "public, max-age=31536000, immutable" if public else "private, max-age=900, immutable"
    return web.FileResponse(
        path, headers={**SAFE, "Content-Type": content_type, "Cache-Control": cache}
    )


def _query(request: web.Request) -> dict[str, str]:
    """The parameters; given twice, no two readers need to agree on which one was signed."""
    query = dict(request.query)
    if len(query) != len(request.query):
        raise BadSignature("a parameter is given twice")
    return query


ROUTES: Routes = (
    route("POST", "/v1/objects", objects.sign_upload),
    raw(
        "PUT",
        "/v1/objects/{key:.+}",
        "objects",
        put,
        "Upload an image to its signed URL",
        objects.MAX_BYTES,
    ),
    raw("GET", "/v1/objects/{key:.+}", "objects", get, "An image"),
)
