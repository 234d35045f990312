"""Scenario idle: connected, three topics, answering pings; now and then asks whether anybody is there."""

from __future__ import annotations

from loadtest.users.member import Member

ASK_EVERY_S = 60.0


class Idle(Member):
    def settle(self) -> None:
        listing = self.place.shared_listing()
        self.link.watch(f"listing:{listing}", f"calendar:{listing}")
        self.is_ready()

    def live(self) -> None:
        self.linger(ASK_EVERY_S)
        self.link.ping()
