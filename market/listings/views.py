"""Reading it: who may see what."""

from __future__ import annotations

from collections.abc import Sequence

from infra.action import view
from infra.mysql.database import Cursor
from market.kernel.actor import Call
from market.kernel.errors import NotFound
from market.kernel.geo import is_cell
from market.kernel.ids import MAX_ID, Id
from market.kernel.period import DAY_MS
from market.kernel.topics import Entry, Snapshot, Want, topic_id
from market.listings import store
from market.listings.commands import GetCategories, GetListing, ListMine, Search
from market.listings.rules import categories as category_rules
from market.listings.rules import searching, shown
from market.listings.rules.categories import CategoriesView
from market.listings.rules.listing import Listing
from market.listings.rules.shown import ListingView, MineView, SearchView
from market.listings.search import results
from market.listings.search.mysql import MysqlEngine
from market.listings.wing import Listings

MAX_WORDS = 5
MAX_IN_CELL = 200
GONE_TOLD_MS = DAY_MS
"""How long a cell's snapshot remembers what was taken off it: longer than any push is late."""


@view("listings.get", public=True)
async def get(listings: Listings, call: Call, query: GetListing) -> ListingView:
    """A listing that people can or could see; one's own always, with its address and place."""

    async def read(cursor: Cursor) -> Listing:
        found = await store.read(cursor, [query.listing_id])
        if not found or not shown.may_read(found[0], call.actor.user_id):
            raise NotFound("no such listing")
        return found[0]

    def version(listing: Listing) -> int:
        """An owner may just have changed it, and does not say."""
        untold = query.seen is None and listing.owner.user_id == call.actor.user_id
        return -1 if untold else listing.version

    listing = await listings.db.as_new_as(query.seen or 0, read, version)
    return shown.view(listing, call.actor.user_id)


@view("listings.categories", public=True)
async def categories(listings: Listings, call: Call, query: GetCategories) -> CategoriesView:
    """The categories in the order in which they are shown, with their names."""
    return category_rules.ALL


@view("listings.mine")
async def mine(listings: Listings, call: Call, query: ListMine) -> MineView:
    """One's own listings, closed ones too, newest first."""
    before = Id(MAX_ID) if query.before is None else query.before
    async with listings.db.read() as cursor:
        found = await store.read_mine(cursor, call.actor.user_id, before, query.limit + 1)
        page = found[: query.limit]
        views = await store.read_views(cursor, [listing.id for listing in page])
    return MineView(
        listings=tuple(shown.mine(listing, views.get(listing.id)) for listing in page),
        next=page[-1].id if len(found) > len(page) else None,
    )


@view("listings.search", public=True)
async def search(listings: Listings, call: Call, query: Search) -> SearchView:
    """Live listings around a place, best first. Nothing found is an empty list."""
    edges = (query.south, query.west, query.north, query.east)
    area = searching.area_of(query.lat, query.lng, query.radius_m, edges)
    before = searching.shown_before(query.cursor)
    if not listings.live.is_open(call.actor.user_id, area.here):
        return SearchView(hits=(), next=None, candidates=0, region_live=False)
    by = listings.live.ranking_for(call.actor.user_id, area.here, personal=query.personal)
    wish = searching.Wish(
        area=area, category=query.category, words=tuple((query.text or "").split()[:MAX_WORDS]),
        min_day_fen=query.min_price_day_fen, max_day_fen=query.max_price_day_fen,
        attributes=searching.attributes_of(query.attributes), sort=query.sort, weights=by.weights,
    )  # fmt: skip
    free = searching.period_of(query.start_ms, query.end_ms, query.seats)
    search = results.Search(MysqlEngine(listings.db), listings.db, wish, free, call.now_ms)
    explores = listings.live.is_personal(call.actor.user_id, query.personal)
    found = await search.page(before, query.limit, explores=explores)
    async with listings.db.glance() as cursor:
        cards = {
            listing.id: shown.card(listing)
            for listing in await store.read(cursor, [one.id for one in found.page])
            if listing.status == "live"  # it may have been paused since it was found
        }
    hits = tuple(
        shown.hit(cards[one.id], one, by.weights, call.now_ms)
        for one in found.page
        if one.id in cards
    )
    if query.sort == "match":
        listings.exposures.add(
            by, call.actor.user_id, area.here, call.now_ms, hits, len(before) + 1
        )
    seen = [*before, *(one.id for one in found.page)]
    return SearchView(
        hits=hits, next=searching.cursor(seen) if found.more else None, candidates=found.candidates
    )


async def snapshot(listings: Listings, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """`listing:ID` and `area:CELL` topics. Listings that do not exist are left out; every well-formed cell exists."""
    have = {topic_id(want.topic, "listing"): want.have for want in wants}
    ids = [id_ for id_ in have if id_ is not None]
    cells = sorted({cell for want in wants if (cell := _cell_of(want.topic)) is not None})
    if not ids and not cells:
        return []
    async with listings.db.read() as cursor:
        found = await store.read(cursor, ids)
        areas = await _areas(cursor, cells, now_ms) if cells else []
    states = [
        Snapshot(
            topic=f"listing:{listing.id}", kind="state", version=listing.version,
            readers=shown.may_join_listing(listing),
            state=None if have[listing.id] == listing.version else shown.view(listing),
        )
        for listing in found
    ]  # fmt: skip
    return states + areas


async def _areas(cursor: Cursor, cells: Sequence[str], now_ms: int) -> list[Snapshot]:
    """Always whole, whatever the asker has: a listing that is missing from `entries` is not on offer in the cell.

    Entries carry their card's version, the same as the pushes do. Up to 200 are live, the newest of the cell. The rest are
    what was taken off within the last day (their status is not live), for those whose push was lost or comes late. The
    snapshot's `version` rises with every change in the cell (see `store.cell_versions`), so equal versions mean equal
    cells; it is read before the entries, which may be newer than it says, never older.
    """
    versions = await store.cell_versions(cursor, cells)
    live = await store.live_in_cells(cursor, cells, MAX_IN_CELL)
    gone = await store.gone_from_cells(cursor, cells, now_ms - GONE_TOLD_MS, MAX_IN_CELL)
    return [
        Snapshot(
            topic=f"area:{cell}", kind="keyed", version=versions.get(cell, 0),
            readers=shown.may_join_area(), entries=_newest_each([*live[cell], *gone[cell]]),
        )
        for cell in cells
    ]  # fmt: skip


def _newest_each(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """One per listing: it may have changed between the statements that found it."""
    newest: dict[str | None, Entry] = {}
    for entry in entries:
        known = newest.setdefault(entry.key, entry)
        if entry.version > known.version:
            newest[entry.key] = entry
    return tuple(newest.values())


def _cell_of(topic: str) -> str | None:
    head, _, tail = topic.partition(":")
    return tail if head == "area" and is_cell(tail) else None


TOPICS = ("listing", "area")
VERSIONS = {"listing": store.LISTING_VERSIONS}
"""Topic prefix -> the statement that `infra.mysql.versions` compares by."""
