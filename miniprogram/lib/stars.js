// Ratings and credit are hundredths of a star.
"use strict";

/** Everybody starts as if five people had given four stars (market/ratings). */
const PRIOR_RATINGS = 5;

/** 467 -> "4.7". Rounded half up, as people do it. */
function stars(centistars) {
  return (Math.round(centistars / 10) / 10).toFixed(1);
}

/** Credit from 100 to 500 on a bar from 0 to 100 percent. */
function barPercent(centistars) {
  return Math.max(0, Math.min(100, Math.round((centistars - 100) / 4)));
}

/**
 * How good it is: the steps at which an owner may waive deposits (docs/terms.md).
 * @returns {"great" | "good" | "fair" | "low" | "new"}
 */
function level(centistars, ratings) {
  if (ratings === 0) return "new";
  if (centistars >= 470 && ratings >= 12) return "great";
  if (centistars >= 450 && ratings >= 5) return "good";
  return centistars >= 350 ? "fair" : "low";
}

/** Percent of a deposit that owners who waive for credit leave out. */
function waivedPercent(centistars, ratings) {
  return { great: 100, good: 50 }[level(centistars, ratings)] || 0;
}

/**
 * The mean of each aspect over ratings, in hundredths; null without any.
 * @param {Array<{punctuality: number, condition: number, communication: number}>} ratings
 */
function aspects(ratings) {
  if (!ratings.length) return null;
  const mean = (name) => Math.round((100 * ratings.reduce((sum, rating) => sum + rating[name], 0)) / ratings.length);
  return { punctuality: mean("punctuality"), condition: mean("condition"), communication: mean("communication") };
}

module.exports = { stars, barPercent, level, waivedPercent, aspects, PRIOR_RATINGS };
