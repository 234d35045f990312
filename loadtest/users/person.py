"""Who a virtual user is: an openid, and the tokens that the product gave for it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from loadtest.users import rest
from loadtest.users.meter import Meter
from loadtest.users.trouble import Refused

LOGIN_ATTEMPTS = 10
"""A login code is good once: when WeChat's answer gets lost on its way to the product, the phone asks for another."""


@dataclass(slots=True)
class Person:
    """The same openid is the same user."""

    meter: Meter
    api: str
    sandbox: str
    openid: str
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.tokens["user"]["user_id"])

    @property
    def token(self) -> str:
        return str(self.tokens["access_token"])

    def log_in(self) -> None:
        for attempt in range(1, LOGIN_ATTEMPTS + 1):
            code = rest.post(
                self.meter, self.sandbox, "/sandbox/login-code", {"openid": self.openid}
            )["code"]
            expected = ("bad_login_code",) if attempt < LOGIN_ATTEMPTS else ()
            try:
                self.tokens = self.post("/v1/login", {"code": code}, token=None, expected=expected)
                return
            except Refused as refused:
                if refused.code not in expected:
                    raise

    def refresh(self) -> None:
        """Fresh tokens; the refresh token rotates."""
        body = {"refresh_token": self.tokens["refresh_token"]}
        fresh = self.post("/v1/token/refresh", body, token=None)
        self.tokens = {**self.tokens, **fresh}

    def post(
        self, path: str, body: dict[str, Any], *,
        token: str | None = "mine", key: str | None = None, expected: tuple[str, ...] = (),
    ) -> Any:  # fmt: skip
        return rest.post(
            self.meter, self.api, path, body,
            token=self.token if token == "mine" else token,
            key=key or secrets.token_hex(8), expected=expected,
        )  # fmt: skip

    def pay(self, prepay_id: str) -> None:
        """Confirm the payment sheet on the phone."""
        try:
            rest.post(
                self.meter, self.sandbox, "/sandbox/pay", {"prepay_id": prepay_id},
                expected=("ORDERPAID",),
            )  # fmt: skip
        except Refused as refused:
            if refused.code != "ORDERPAID":  # which says that an answer was lost
                raise
