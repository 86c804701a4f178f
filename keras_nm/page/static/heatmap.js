// Matrices as pictures, on canvas.

const QUIET = "#5b6670";
const NOW = "#c2410c"; // the current step
const WRONG = "#c4006b";
const LEFT = 62; // of all pictures, so that their time axes stand below each other

// Colours that people with colour blindness can tell apart.
const GREYS = (value) => mix([255, 255, 255], [20, 24, 28], value);
const SIGNED = (value) =>
  value < 0
    ? mix([255, 255, 255], [84, 39, 136], -value)
    : mix([255, 255, 255], [0, 109, 66], value);

function mix(from, to, amount) {
  const part = Math.min(Math.max(amount, 0), 1);
  const [r, g, b] = from.map((x, i) => Math.round(x + (to[i] - x) * part));
  return `rgb(${r},${g},${b})`;
}

// A canvas as wide as its parent, in CSS pixels, and its context.
function prepare(canvas, height) {
  const width = canvas.parentElement.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = QUIET;
  return { context, width };
}

// Draws `values[row][column]`, each cell a rectangle of `grid`: left, top, cell width and
// height.
function drawCells(context, values, grid, color) {
  const edge = (start, size, index) => Math.round(start + size * index);
  values.forEach((row, i) => {
    const top = edge(grid.top, grid.cellHeight, i);
    const bottom = edge(grid.top, grid.cellHeight, i + 1);
    row.forEach((value, j) => {
      const left = edge(grid.left, grid.cellWidth, j);
      const right = edge(grid.left, grid.cellWidth, j + 1);
      const gap = grid.cellWidth > 7 && grid.cellHeight > 7 ? 1 : 0;
      context.fillStyle = color(value, i, j);
      context.fillRect(left, top, right - left - gap, bottom - top - gap);
    });
  });
  context.strokeStyle = "#aab2ba";
  context.lineWidth = 1;
  context.strokeRect(
    grid.left - 0.5,
    grid.top - 0.5,
    Math.round(grid.cellWidth * values[0].length) + 1,
    Math.round(grid.cellHeight * values.length) + 1,
  );
}

// About `room` numbers from 0 to count - 1, at equal distances of 1, 2, 5, 10, ...
function ticks(count, room) {
  const wanted = Math.max(count / Math.max(room, 1), 1);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= wanted);
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step);
}

function columnLabels(context, count, grid, top, label, name) {
  const size = grid.cellWidth * count;
  context.fillStyle = QUIET;
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const index of ticks(count, size / 40)) {
    context.fillText(name(index), grid.left + (index + 0.5) * grid.cellWidth, top);
  }
  // Where it fits, under the middle of short axes too.
  const half = context.measureText(label).width / 2;
  context.fillText(label, grid.left + Math.max(size / 2, half - LEFT / 2), top + 17);
}

function rowLabels(context, count, grid, label, name) {
  const size = grid.cellHeight * count;
  context.fillStyle = QUIET;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const index of ticks(count, size / 16)) {
    context.fillText(
      name(index),
      grid.left - 6,
      grid.top + (index + 0.5) * grid.cellHeight,
    );
  }
  context.save();
  context.translate(10, grid.top + size / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(label, 0, 0);
  context.restore();
}

// A picture of something over time, with a frame around the current step.
class TimePicture {
  // `seek` is called with the step on which someone clicks.
  constructor(title, note, seek) {
    this.scale = element("span", {}, colorScale(GREYS, "0", "1"));
    this.canvas = element("canvas", { role: "img", "data-picture": title });
    this.root = element(
      "figure",
      {},
      element("figcaption", {}, element("strong", {}, title), note, this.scale),
      element("div", {}, this.canvas),
    );
    this.canvas.addEventListener("click", (event) => {
      const column = Math.floor((event.offsetX - LEFT) / this.grid.cellWidth);
      const isThere = column >= 0 && column < this.columns;
      if (this.isOverTime && isThere) seek(column);
    });
  }

  // Args: values[row][column], step, label of the rows, name of a row; optionally
  // `marks(row, column)`, whether to mark a cell, `pale(column)`, the largest absolute
  // value, if they are not from 0 to 1, and what the columns are. Other columns than time
  // steps have no frame, and cannot be clicked.
  draw({
    values,
    step,
    label,
    name,
    marks = () => false,
    pale = () => false,
    limit = 0,
    columns = "time step",
  }) {
    if (limit) this.scale.replaceChildren(signedScale(limit));
    const rows = values.length;
    this.columns = values[0].length;
    this.isOverTime = columns === "time step";
    const cellHeight = Math.min(Math.max(200 / rows, 5), 18);
    const height = rows * cellHeight + 44;
    const { context, width } = prepare(this.canvas, height);
    const cellWidth = Math.min((width - LEFT - 4) / this.columns, 30);
    const grid = (this.grid = { left: LEFT, top: 3, cellWidth, cellHeight });
    drawCells(context, values, grid, (value, _, column) => {
      if (limit) return SIGNED(value / limit);
      return GREYS(pale(column) ? value / 4 : value);
    });
    context.strokeStyle = WRONG;
    context.lineWidth = 2;
    values.forEach((row, i) =>
      row.forEach((_, j) => {
        if (!marks(i, j)) return;
        const x = grid.left + (j + 0.5) * cellWidth;
        const y = grid.top + (i + 0.5) * cellHeight;
        const half = Math.min(cellWidth, cellHeight) / 2;
        context.beginPath();
        context.moveTo(x - half, y - half);
        context.lineTo(x + half, y + half);
        context.moveTo(x + half, y - half);
        context.lineTo(x - half, y + half);
        context.stroke();
      }),
    );
    if (this.isOverTime) {
      context.strokeStyle = NOW;
      context.lineWidth = 2;
      context.strokeRect(
        grid.left + step * cellWidth - 1.5,
        grid.top - 2,
        cellWidth + 2,
        rows * cellHeight + 4,
      );
    }
    const bottom = grid.top + rows * cellHeight + 7;
    columnLabels(context, this.columns, grid, bottom, columns, (t) => `${t + 1}`);
    rowLabels(context, rows, grid, label, name);
    // What is drawn, for those who cannot see it and for tests.
    this.canvas.shown = { values, step };
    this.canvas.setAttribute("aria-label", `${rows} rows over ${this.columns} ${columns}s`);
  }
}

// The memory at one time, a column for each location, with a row above it for each head
// and what the read heads took beside it.
class MemoryPicture {
  constructor() {
    this.canvas = element("canvas", { role: "img", "data-picture": "Memory" });
    this.root = element("div", {}, this.canvas);
  }

  // Args: memory[i][location], heads[{name, weighting}], reads[head][i], the color scale's
  // end, and the name of a location.
  draw({ memory, heads, reads, limit, name }) {
    const width_ = memory.length;
    const locations = memory[0].length;
    const headHeight = 16;
    const top = heads.length * (headHeight + 4) + 8;
    const cellHeight = Math.min(Math.max(220 / width_, 5), 18);
    const { context, width } = prepare(this.canvas, top + width_ * cellHeight + 44);
    const room = width - LEFT - 4;
    const beside = 34 + 16 * reads.length;
    const cellWidth = Math.min((room - beside) / locations, 30);
    heads.forEach(({ name: head, weighting }, index) => {
      const row = { left: LEFT, top: 3 + index * (headHeight + 4), cellWidth };
      drawCells(context, [weighting], { ...row, cellHeight: headHeight }, GREYS);
      context.fillStyle = QUIET;
      context.textBaseline = "middle";
      context.textAlign = "right";
      context.fillText(head, LEFT - 6, row.top + headHeight / 2);
    });
    const color = (value) => SIGNED(value / limit);
    const grid = { left: LEFT, top, cellWidth, cellHeight };
    drawCells(context, memory, grid, color);
    const bottom = top + width_ * cellHeight + 7;
    columnLabels(context, locations, grid, bottom, "location", name);
    rowLabels(context, width_, grid, "width", (index) => `${index + 1}`);
    const left = LEFT + cellWidth * locations + 26;
    const columns = memory.map((_, i) => reads.map((read) => read[i]));
    drawCells(context, columns, { left, top, cellWidth: 16, cellHeight }, color);
    context.fillStyle = QUIET;
    context.textAlign = "center";
    context.textBaseline = "top";
    context.fillText("read", left + 8 * reads.length, bottom);
    this.canvas.shown = { memory, heads, reads };
    this.canvas.setAttribute("aria-label", `${locations} locations of ${width_} numbers`);
  }
}

// A colour scale, with the numbers at its ends.
function colorScale(colors, low, high) {
  const stops = [0, 0.25, 0.5, 0.75, 1].map(colors).join(",");
  return element(
    "span",
    { class: "scale" },
    element("span", {}, low),
    element("i", { style: `background:linear-gradient(to right,${stops})` }),
    element("span", {}, high),
  );
}

function signedScale(limit) {
  const end = limit.toPrecision(2);
  return colorScale((part) => SIGNED(2 * part - 1), `−${end}`, end);
}
