// A town for the map to show, without any tile server: streets, blocks, parks and a river, the same for the same place. Drawn in world
// coordinates, so that it moves and grows with the map.

const CELL_DEGREES = 0.0032;

/** 0..1, the same for the same two numbers. */
function chance(x, y, salt = 0) {
  let hash = (x * 374_761_393 + y * 668_265_263 + salt * 2_147_483_647) | 0;
  hash = Math.imul(hash ^ (hash >>> 13), 1_274_126_177);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296;
}

const COLOURS = { ground: "#f3f1ec", block: "#ebe8e1", park: "#d5e8cf", water: "#b9d9ee", street: "#ffffff", avenue: "#fdf0c8", edge: "#e3dfd5" };

/** @param view {center, project, unproject, pixelsPerDegree} */
export function drawTown(canvas, width, height, view) {
  const context = width && height && canvas.getContext?.("2d");
  if (!context) return;
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, (width * ratio) / 2, (height * ratio) / 2);
  context.fillStyle = COLOURS.ground;
  context.fillRect(-width / 2, -height / 2, width, height);

  // at small scales one cell stands for many
  let cell = CELL_DEGREES;
  while (cell * view.pixelsPerDegree() < 36) cell *= 2;
  const north = view.unproject(0, -height / 2).latitude;
  const south = view.unproject(0, height / 2).latitude;
  const west = view.unproject(-width / 2, 0).longitude;
  const east = view.unproject(width / 2, 0).longitude;
  const columns = [Math.floor(west / cell) - 1, Math.ceil(east / cell) + 1];
  const rows = [Math.floor(south / cell) - 1, Math.ceil(north / cell) + 1];
  const corner = (column, row) => {
    const bent = (at, salt) => (at + (chance(column, row, salt) - 0.5) * 0.3) * cell;
    return view.project(bent(row, 1), bent(column, 2));
  };
  const street = Math.max(1.5, cell * view.pixelsPerDegree() * 0.045);

  for (let column = columns[0]; column < columns[1]; column++) {
    for (let row = rows[0]; row < rows[1]; row++) block(context, corner, column, row, street);
  }
  river(context, view, { west, east, cell, height });
  for (let column = columns[0]; column <= columns[1]; column++) {
    line(context, rows, (row) => corner(column, row), column % 4 === 0, street);
  }
  for (let row = rows[0]; row <= rows[1]; row++) {
    line(context, columns, (column) => corner(column, row), row % 4 === 0, street);
  }
}

function block(context, corner, column, row, street) {
  const corners = [corner(column, row), corner(column + 1, row), corner(column + 1, row + 1), corner(column, row + 1)];
  const middle = [0, 1].map((axis) => corners.reduce((sum, point) => sum + point[axis], 0) / 4);
  const isPark = chance(column, row, 3) < 0.13;
  const shrink = 1 - (street * 2) / Math.max(20, Math.abs(corners[1][0] - corners[0][0]));
  context.fillStyle = isPark ? COLOURS.park : COLOURS.block;
  context.beginPath();
  for (const [x, y] of corners) context.lineTo(middle[0] + (x - middle[0]) * shrink, middle[1] + (y - middle[1]) * shrink);
  context.fill();
}

function line(context, [first, last], at, isAvenue, street) {
  context.beginPath();
  for (let step = first; step <= last; step++) context.lineTo(...at(step));
  context.lineJoin = "round";
  context.strokeStyle = COLOURS.edge;
  context.lineWidth = street * (isAvenue ? 2.4 : 1) + 1.5;
  context.stroke();
  context.strokeStyle = isAvenue ? COLOURS.avenue : COLOURS.street;
  context.lineWidth = street * (isAvenue ? 2.4 : 1);
  context.stroke();
}

/** One river, which winds about every 0.06 degrees of latitude. */
function river(context, view, { west, east, cell }) {
  const band = 0.06;
  const base = Math.round(view.center.latitude / band - 0.2) * band + band * 0.2;
  context.beginPath();
  for (let longitude = west - cell; longitude <= east + cell; longitude += cell / 4) {
    const latitude = base + Math.sin(longitude * 210) * 0.004 + Math.sin(longitude * 67) * 0.006;
    context.lineTo(...view.project(latitude, longitude));
  }
  context.strokeStyle = COLOURS.water;
  context.lineWidth = Math.max(6, view.pixelsPerDegree() * 0.0026);
  context.lineCap = "round";
  context.stroke();
}
