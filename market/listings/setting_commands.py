"""What operators may ask of experiments, flags and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from market.kernel.ids import Id
from market.kernel.money import BASIS

Latitude = Annotated[float, Meta(ge=-90, le=90, description="WGS-84 degrees")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="WGS-84 degrees")]
Weight = Annotated[float, Meta(ge=0, le=1)]
Share = Annotated[int, Meta(ge=0, le=BASIS, description="ten-thousandths")]
RegionCode = Annotated[str, Meta(max_length=32, pattern=r"^[a-z][a-z0-9_]*$")]
Regions = Annotated[tuple[RegionCode, ...], Meta(max_length=100)]
Name = Annotated[str, Meta(max_length=32, pattern=r"^[a-z][a-z0-9_]*$")]
Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", description="kept for ever")]  # fmt: skip
Version = Annotated[int, Meta(ge=0, le=2**53, description="as last seen; 0 for what is new")]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenWeights:
    """They add up to 1."""

    distance: Weight
    deal_rate: Weight
    rating: Weight
    price: Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenArm:
    name: Name
    share_bp: Share
    weights: GivenWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateExperiment:
    """The first arm is the control. Without `arms`: distance only against the plan's weights, half each. Without `regions`: all."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
    unit: Literal["user", "region"] = "user"
    arms: Annotated[tuple[GivenArm, ...], Meta(max_length=4)] | None = None
    regions: Regions = ()
    traffic_bp: Share = BASIS
    sample_bp: Share = BASIS
    window_hours: Annotated[int, Meta(ge=1, le=30 * 24)] = 7 * 24
    days: Annotated[int, Meta(ge=1, le=90)] = 14
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class StartExperiment:
    experiment_id: Id
    version: Version
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class StopExperiment:
    experiment_id: Id
    version: Version
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ListExperiments:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWeights:
    """For all who are in no experiment."""

    version: Version
    weights: GivenWeights
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenCampus:
    name: Annotated[str, Meta(min_length=1, max_length=60)]
    lat: Latitude
    lng: Longitude
    radius_m: Annotated[int, Meta(ge=1, le=50_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFlag:
    """The whole flag. Without `regions` and `campuses`: everywhere."""

    name: Name
    version: Version
    on: bool
    regions: Regions = ()
    campuses: Annotated[tuple[GivenCampus, ...], Meta(max_length=100)] = ()
    share_bp: Share = BASIS
    users: Annotated[tuple[Id, ...], Meta(max_length=1000)] = ()
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFlags:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMyFlags:
    lat: Latitude
    lng: Longitude


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanges:
    """`name`: weights, experiment:ID or flag:NAME; empty: all."""

    name: Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9_:]*$")] = ""
    before: Annotated[Id | None, Meta(description="`change_id` of the last one seen")] = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
