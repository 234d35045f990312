// How far somebody is trusted: stars, how many think so, and a bar from one star to five.
const { stars, barPercent, level } = require("../../lib/stars");
const { credit } = require("../../strings");

Component({
  properties: {
    /** hundredths of a star, 100 to 500 */
    centistars: { type: Number, value: 400 },
    ratings: { type: Number, value: 0 },
    /** one line, without the bar */
    compact: { type: Boolean, value: false },
  },
  data: { stars: stars(400), percent: barPercent(400), level: "new", levelText: credit.levels.new, count: credit.noRatings },
  observers: {
    "centistars, ratings"(centistars, ratings) {
      const kind = level(centistars, ratings);
      this.setData({
        stars: stars(centistars), percent: barPercent(centistars), level: kind, levelText: credit.levels[kind],
        count: ratings ? credit.count(ratings) : credit.noRatings,
      }); // prettier-ignore
    },
  },
});
