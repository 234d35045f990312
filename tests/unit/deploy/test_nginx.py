"""The gateway: a real nginx with our configuration, in front of stand-ins that say who they are, and of two real hubs.

Only addresses.conf is replaced, and the port it listens on.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout, WSServerHandshakeError, web

from api.app import MAX_BODY_BYTES, SERVICES, routes_of
from api.routing import RawRoute
from deploy import pages
from devkit import ROOT
from devkit.child import Child
from devkit.ports import free_port
from devkit.stack import Stack
from infra.objects import MAX_BYTES

NGINX = ROOT / "deploy" / "nginx"
NAME = web.AppKey("name", str)


def program() -> str:
    found = shutil.which("nginx")
    assert found, "nginx is fetched by ./dev test"
    return found


def laid_out(directory: Path, addresses: str, port: int) -> Path:
    """The configuration, as it is but for where things are."""
    shutil.copytree(NGINX, directory, dirs_exist_ok=True)
    (directory / "addresses.conf").write_text(addresses)
    conf = directory / "nginx.conf"
    text = conf.read_text()
    for old, new in (
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("/tmp/sharehub-nginx", f"{directory}/run"),
        ("/dev/stdout", f"{directory}/access.log"),
    ):
        assert old in text
        text = text.replace(old, new)
    conf.write_text(text)
    return conf


def addresses(root: Path, services: Mapping[str, int], hubs: list[int]) -> str:
    hub_servers = "".join(f"server 127.0.0.1:{port};" for port in hubs)
    table = "".join(f"{service} 127.0.0.1:{port};" for service, port in services.items())
    return (
        f"root {root};\nupstream hubs {{ {hub_servers} }}\n"
        f"map $host $hub {{ default hubs; }}\nmap $service $api {{ {table} }}\n"
    )


@contextmanager
def running(directory: Path, addresses: str) -> Iterator[str]:
    """A URL at which nginx answers."""
    port = free_port()
    conf = laid_out(directory, addresses, port)

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return True
        except OSError:
            return False

    nginx = Child(
        "nginx",
        [program(), "-c", conf, "-g", "daemon off; master_process off;"],
        log_file=directory / "nginx.log",
        ready=answers,
    )
    nginx.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        nginx.stop()


# --- the files by themselves ------------------------------------------------------------------------------------------


def test_nginx_accepts_the_configuration_as_it_is() -> None:
    # Host names are looked up while it runs, so this needs neither them nor the network.
    done = subprocess.run(
        [program(), "-t", "-c", NGINX / "nginx.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "test is successful" in done.stderr


def test_every_service_has_an_address_and_a_path() -> None:
    table = re.findall(
        r"^ {4}(\w+) +api-(\w+):8080;$", (NGINX / "addresses.conf").read_text(), re.MULTILINE
    )
    assert [service for service, _ in table] == list(SERVICES)
    assert all(service == host for service, host in table)
    routed = set(re.findall(r"\s(\w+);$", (NGINX / "routes.conf").read_text(), re.MULTILINE))
    assert routed == set(SERVICES)


def test_its_limits_are_above_the_apis_own() -> None:
    text = (NGINX / "nginx.conf").read_text()
    assert re.findall(r"client_max_body_size (\w+);", text) == ["128k", "6m"]
    assert MAX_BODY_BYTES < 128 * 1024
    assert MAX_BYTES < 6 * 1024 * 1024


# --- in front of stand-ins --------------------------------------------------------------------------------------------


async def _tell(request: web.Request) -> web.Response:
    body = await request.read()
    return web.json_response(
        {
            "name": request.app[NAME], "path": request.raw_path, "method": request.method,
            "bytes": len(body), "request_id": request.headers["X-Request-Id"],
        }
    )  # fmt: skip


async def _stand_in(stack: AsyncExitStack, name: str, status: int = 200) -> int:
    """A server that says who it is; its port."""
    app = web.Application(client_max_size=2**24)
    app[NAME] = name

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app.router.add_route("*", "/{path:.*}", _tell if status == 200 else refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    return port


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[ClientSession]:
    """A client of nginx in front of a stand-in per service but `ratings`, which is away; one hub drains, one does not."""
    async with AsyncExitStack() as stack:
        ports = {service: await _stand_in(stack, service) for service in SERVICES}
        ports["ratings"] = free_port()
        hubs = [await _stand_in(stack, "hub"), await _stand_in(stack, "draining", 503)]
        pages.write(tmp_path / "www")
        url = stack.enter_context(
            running(tmp_path / "nginx", addresses(tmp_path / "www", ports, hubs))
        )
        yield await stack.enter_async_context(ClientSession(url, timeout=ClientTimeout(total=10)))


def sample(path: str) -> str:
    """A path as a client would ask for it."""
    path = path.replace("{key:.+}", "photos/1/AAAAAAAAAAAAAAAAAAAAAA")
    return re.sub(r"{\w+}", "123456789", path)


@pytest.mark.allow_blocking
async def test_every_route_reaches_the_service_that_has_it(gateway: ClientSession) -> None:
    asked = 0
    for service in SERVICES:
        for route in routes_of(service):
            path = sample(route.path) + "?a=%26b"
            async with gateway.request(route.method, path) as answer:
                if service == "ratings":
                    assert answer.status == 503, path
                    continue
                told = await answer.json()
            assert (told["name"], told["path"], told["method"]) == (service, path, route.method)
            asked += 1
    assert asked > 30


@pytest.mark.allow_blocking
async def test_a_service_that_is_away_is_refused_as_the_api_would(gateway: ClientSession) -> None:
    headers = {"X-Request-Id": "my-request.1"}
    async with gateway.get("/v1/ratings/users/1", headers=headers) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        error = (await answer.json())["error"]
    assert error == {
        "code": "unavailable", "message": "this part of the service is away", "retryable": True,
        "data": {}, "request_id": "my-request.1",
    }  # fmt: skip


@pytest.mark.allow_blocking
@pytest.mark.parametrize(
    ("path", "size", "status", "code"),
    [
        ("/metrics", 0, 404, "not_found"),
        ("/readyz", 0, 404, "not_found"),
        ("/v1/nothing", 0, 404, "not_found"),
        ("/v1/listingsandmore", 0, 404, "not_found"),
        ("/_refused/unavailable", 0, 404, "not_found"),
        ("/v1/orders", 200_000, 413, "too_large"),
        ("/v1/objects/photos/1/A", 7_000_000, 413, "too_large"),
    ],
)
async def test_its_own_refusals_are_in_the_envelope(
    gateway: ClientSession, path: str, size: int, status: int, code: str
) -> None:
    method = "POST" if size else "GET"
    async with gateway.request(method, path, data=BytesIO(b"x" * size) if size else None) as answer:
        assert answer.status == status
        error = (await answer.json())["error"]
    assert error["code"] == code
    assert re.fullmatch("[0-9a-f]{32}", error["request_id"])


@pytest.mark.allow_blocking
async def test_the_apis_limit_is_met_before_its_own(gateway: ClientSession) -> None:
    for path, size in (
        ("/v1/orders", MAX_BODY_BYTES + 1),
        ("/v1/objects/photos/1/A", MAX_BYTES + 1),
    ):
        async with gateway.put(path, data=BytesIO(b"x" * size)) as answer:
            assert (await answer.json())["bytes"] == size


@pytest.mark.allow_blocking
async def test_a_draining_hub_is_passed_over(gateway: ClientSession) -> None:
    for _ in range(6):
        async with gateway.get("/ws") as answer:
            assert (await answer.json())["name"] == "hub"


@pytest.mark.allow_blocking
async def test_the_pages_are_about_all_services(gateway: ClientSession) -> None:
    async with gateway.get("/openapi.json") as answer:
        assert answer.content_type == "application/json"
        paths = (await answer.json())["paths"]
    everything = [route for service in SERVICES for route in routes_of(service)]
    assert set(paths) >= {route.path for route in everything if not isinstance(route, RawRoute)}
    async with gateway.get("/") as answer:
        assert answer.content_type == "text/html"
        assert "/openapi.json" in await answer.text()


@pytest.mark.allow_blocking
async def test_signatures_stay_out_of_the_log(gateway: ClientSession, tmp_path: Path) -> None:
    async with gateway.get("/v1/objects/chat/1/2/A?sig=SECRET") as answer:
        assert answer.status == 200
    log = tmp_path / "nginx" / "access.log"
    async with asyncio.timeout(5):  # it is written after the answer
        while "/v1/objects/chat/1/2/A" not in log.read_text():  # noqa: ASYNC110 (nginx tells nobody)
            await asyncio.sleep(0.01)
    assert "SECRET" not in log.read_text()


# --- in front of the product ------------------------------------------------------------------------------------------


@pytest.mark.allow_blocking
async def test_it_carries_sockets_to_both_hubs(stack: Stack, tmp_path: Path) -> None:
    hubs = [hub.port for hub in stack.hubs]
    services = dict.fromkeys(SERVICES, stack.api().port)
    with running(tmp_path / "nginx", addresses(tmp_path, services, hubs)) as url:
        async with ClientSession(url, timeout=ClientTimeout(total=10)) as client:
            async with client.get("/v1/listings/categories") as answer:
                assert answer.status in (200, 401)
            for _ in hubs:
                async with client.ws_connect("/ws", protocols=["sharehub.v1.json"]) as socket:
                    await socket.send_json([{"op": "connect", "token": "nobody's", "topics": []}])
                    [frame] = await socket.receive_json()
                    assert frame["op"] == "error"
                    assert frame["error"]["code"] == "unauthenticated"
                    await socket.receive()
                    assert socket.close_code == 4502
            await asyncio.to_thread(stack.hubs[0].stop)
            try:
                for _ in range(4):
                    async with client.ws_connect("/ws", protocols=["sharehub.v1.json"]) as socket:
                        assert socket.protocol == "sharehub.v1.json"
            except WSServerHandshakeError as error:
                pytest.fail(f"one hub is left, but: {error}")
            finally:
                await asyncio.to_thread(stack.hubs[0].start)
