// Places: WGS-84 on the wire, GCJ-02 on every map in China; geohash cells, in which the map's news comes.
"use strict";

const EARTH_M = 6371008.8;
const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";

/** Of five characters: the cells of `area:CELL`. */
const CELL_LNG = 360 / 2 ** 13;
const CELL_LAT = 180 / 2 ** 12;

const rad = (degrees) => (degrees * Math.PI) / 180;

/** Great-circle metres. */
function distanceM(a, b) {
  const h =
    Math.sin(rad(b.lat - a.lat) / 2) ** 2 +
    Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * Math.sin(rad(b.lng - a.lng) / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** "350 m", "1.2 km", "12 km" */
function distanceText(metres) {
  if (metres < 1000) return `${Math.max(10, Math.round(metres / 10) * 10)} m`;
  return metres < 10000 ? `${(metres / 1000).toFixed(1)} km` : `${Math.round(metres / 1000)} km`;
}

/** The box that holds a circle. */
function boxAround({ lat, lng }, radiusM) {
  const reach = (radiusM / EARTH_M) * (180 / Math.PI);
  const wide = reach / Math.max(0.01, Math.cos(rad(lat)));
  return { south: lat - reach, north: lat + reach, west: lng - wide, east: lng + wide };
}

/** The cell of a place. */
function cellOf({ lat, lng }) {
  let [lngLow, lngHigh, latLow, latHigh] = [-180, 180, -90, 90];
  let text = "";
  for (let char = 0, bit = 0; char < 5; char += 1) {
    let value = 0;
    for (let step = 0; step < 5; step += 1, bit += 1) {
      const middle = bit % 2 ? (latLow + latHigh) / 2 : (lngLow + lngHigh) / 2;
      const above = (bit % 2 ? lat : lng) >= middle;
      value = value * 2 + (above ? 1 : 0);
      if (bit % 2) [latLow, latHigh] = above ? [middle, latHigh] : [latLow, middle];
      else [lngLow, lngHigh] = above ? [middle, lngHigh] : [lngLow, middle];
    }
    text += ALPHABET[value];
  }
  return text;
}

/**
 * The cells that a box touches, or null when there are more than `most`.
 * @param {{south: number, west: number, north: number, east: number}} box
 */
function cellsOf({ south, west, north, east }, most) {
  const [left, right] = [Math.floor((west + 180) / CELL_LNG), Math.floor((east + 180) / CELL_LNG)];
  const [low, high] = [Math.floor((south + 90) / CELL_LAT), Math.floor((north + 90) / CELL_LAT)];
  if ((right - left + 1) * (high - low + 1) > most) return null;
  const cells = [];
  for (let x = left; x <= right; x += 1) {
    for (let y = low; y <= high; y += 1) cells.push(cellOf({ lat: (y + 0.5) * CELL_LAT - 90, lng: (x + 0.5) * CELL_LNG - 180 }));
  }
  return cells;
}

/** Whether China's maps are shifted there. */
function isShifted({ lat, lng }) {
  return lng > 72.004 && lng < 137.8347 && lat > 0.8293 && lat < 55.8271;
}

/** What GCJ-02 adds to WGS-84 there, in degrees. */
function shift({ lat, lng }) {
  const [x, y] = [lng - 105, lat - 35];
  const waves = (20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * (2 / 3);
  const dLat =
    -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + waves +
    (20 * Math.sin(y * Math.PI) + 40 * Math.sin((y / 3) * Math.PI)) * (2 / 3) +
    (160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y * Math.PI) / 30)) * (2 / 3); // prettier-ignore
  const dLng =
    300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + waves +
    (20 * Math.sin(x * Math.PI) + 40 * Math.sin((x / 3) * Math.PI)) * (2 / 3) +
    (150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * (2 / 3); // prettier-ignore
  const [a, ee] = [6378245, 0.00669342162296594323]; // Krasovsky's ellipsoid, which the shift is defined on
  const magic = 1 - ee * Math.sin(rad(lat)) ** 2;
  const root = Math.sqrt(magic);
  return {
    lat: (dLat * 180) / (((a * (1 - ee)) / (magic * root)) * Math.PI),
    lng: (dLng * 180) / ((a / root) * Math.cos(rad(lat)) * Math.PI),
  };
}

/** From the wire to a map. */
function toMap(place) {
  if (!isShifted(place)) return { lat: place.lat, lng: place.lng };
  const by = shift(place);
  return { lat: place.lat + by.lat, lng: place.lng + by.lng };
}

/** From a map to the wire; right to a centimetre. */
function fromMap(place) {
  if (!isShifted(place)) return { lat: place.lat, lng: place.lng };
  let guess = { lat: place.lat, lng: place.lng };
  for (let round = 0; round < 3; round += 1) {
    const there = toMap(guess);
    guess = { lat: guess.lat + place.lat - there.lat, lng: guess.lng + place.lng - there.lng };
  }
  return guess;
}

module.exports = { distanceM, distanceText, boxAround, cellOf, cellsOf, toMap, fromMap };
