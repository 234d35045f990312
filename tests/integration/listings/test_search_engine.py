"""MySQL as the engine of search."""

from __future__ import annotations

import pytest

from market.listings.search.mysql import MysqlEngine
from market.listings.search.port import Engine
from market.listings.wing import Listings
from tests.integration.listings.search_contract import SearchContract


class TestMysql(SearchContract):
    @pytest.fixture
    async def engine(self, listings: Listings) -> Engine:
        return MysqlEngine(listings.db)
