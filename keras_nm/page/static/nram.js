// Neural Random-Access Machines: a tape in, and a circuit at every step.

const MAX_CELLS = 100;
const MAX_RUN = 500;

// Sizes in the picture of a circuit.
const COLUMN = 98;
const ROW = 58;
const BOX = { width: 74, height: 42 };

class NramView extends View {
  get delay() {
    return 900;
  }

  buildForm() {
    const { examples } = this.model;
    this.example = element("select", {
      onchange: () => this.setExample(examples[this.example.selectedIndex]),
    });
    this.example.append(...examples.map(({ name }) => element("option", {}, name)));
    this.tape = element("textarea", {
      rows: 2,
      spellcheck: "false",
      inputmode: "numeric",
      oninput: () => this.count(),
    });
    this.steps = element("input", { type: "text", inputmode: "numeric", class: "short" });
    this.size = element("p", { class: "note" });
    if (examples.length) this.chooseExample();
    else {
      this.tape.value = "3 1 4 2 0 5";
      this.steps.value = this.model.steps;
      this.count();
    }
    return [
      element("h3", {}, "What shall be on the tape?"),
      ...explain(this.model.explanation),
      ...(examples.length
        ? [
            element(
              "p",
              { class: "note" },
              "Letters stand for any values, and dots for cells that stay as they are.",
            ),
            element(
              "div",
              { class: "row" },
              element("label", {}, "Example ", this.example),
            ),
          ]
        : []),
      element(
        "label",
        {},
        "The cells of the tape, integers with spaces between",
        this.tape,
      ),
      this.size,
      element("label", {}, "Steps at most ", this.steps),
    ];
  }

  // Of the examples, which come from short to long, one in the middle.
  chooseExample() {
    const { examples } = this.model;
    this.example.selectedIndex = examples.length >> 1;
    this.setExample(examples[examples.length >> 1]);
  }

  setExample({ tape, steps }) {
    this.tape.value = tape.join(" ");
    this.steps.value = steps;
    this.count();
  }

  get words() {
    return this.tape.value.split(/[\s,]+/).filter((word) => word);
  }

  // Says what fits into the cells.
  count() {
    const size = this.words.length;
    this.size.textContent =
      `${some(size, "cell")}, so addresses and values are from 0 to ` +
      `${Math.max(size - 1, 0)}.`;
  }

  readForm() {
    const { words } = this;
    const { smallest_tape: smallest, examples } = this.model;
    if (words.length < smallest || words.length > MAX_CELLS) {
      throw new InputError(
        `The tape must have ${smallest} to ${MAX_CELLS} cells, and it has ` +
          `${words.length || "none"}.`,
      );
    }
    const tape = words.map((word, cell) =>
      readInteger(word, `Cell ${cell} of a tape of ${words.length}`, 0, words.length - 1),
    );
    const steps = readInteger(this.steps.value, "The number of steps", 1, MAX_RUN);
    const example = examples.find((example) => String(example.tape) === String(tape));
    return { tape, steps, example };
  }

  async compute({ ort, session }, { tape, steps: limit, example }) {
    const { model } = this;
    const integers = (values) =>
      new ort.Tensor("int32", Int32Array.from(values), [1, values.length]);
    let states = {
      tape: integers(tape),
      registers: integers(Array(model.registers).fill(0)),
    };
    for (const [name, size] of Object.entries(model.controller_states)) {
      states[name] = new ort.Tensor("float32", new Float32Array(size), [1, size]);
    }
    const steps = [];
    let before = { tape, registers: Array(model.registers).fill(0) };
    let stopped = false;
    while (!stopped && steps.length < limit) {
      const { outputs, stop, ...next } = await runStep(session, states);
      states = next;
      stopped = stop.data[0] === 1;
      const after = { tape: [...next.tape.data], registers: [...next.registers.data] };
      steps.push({ before, after, ...this.watch(before, after, [...outputs.data]) });
      before = after;
    }
    return { start: tape, steps, stopped, example, last: steps.length - 1 };
  }

  // What the gates of a step did: its circuit, values by name, cells read and written.
  watch(before, after, outputs) {
    const changed = new Set();
    after.tape.forEach((value, cell) => value !== before.tape[cell] && changed.add(cell));
    const { program } = this.model;
    if (!program) return { circuit: null, values: {}, read: new Set(), changed };
    const pattern = before.registers.map((value) => (value === 0 ? "0" : "+")).join("");
    const circuit = program.patterns[pattern];
    const values = {};
    before.registers.forEach((value, index) => (values[`r${index + 1}`] = value));
    for (const name of Object.keys(program.circuits[circuit].gates)) {
      const index = program.outputs.indexOf(name);
      if (index >= 0) values[name] = outputs[index];
    }
    const read = new Set();
    for (const [name, [pointer]] of Object.entries(program.circuits[circuit].gates)) {
      if (!(pointer in values)) continue;
      if (/^READ\d*$/.test(name)) read.add(values[pointer]);
      if (/^WRITE\d*$/.test(name)) changed.add(values[pointer]);
    }
    return { circuit, values, read, changed };
  }

  buildResults() {
    this.verdict = element("p", { class: "verdict" });
    this.caption = element("p", { class: "caption", "aria-live": "polite" });
    this.cells = element("div", { class: "cells" });
    this.registers = element("div", { class: "cells" });
    this.table = element("table", {});
    this.picture = element("div", { class: "scroll" });
    this.pictureTitle = element("span", {});
    this.blocks = [];
    return [
      this.verdict,
      element("div", { class: "sticky" }, this.player.root, this.caption),
      element(
        "div",
        { class: "machine" },
        element(
          "div",
          {},
          element("h4", {}, "Tape"),
          this.cells,
          element(
            "p",
            { class: "note legend" },
            ...(this.model.program
              ? [element("i", { class: "read" }), "read in this step "]
              : []),
            element("i", { class: "changed" }),
            "written in this step",
          ),
          element("h4", {}, "Registers"),
          this.registers,
          ...this.buildPicture(),
        ),
        ...this.buildProgram(),
      ),
      element("h4", {}, "All steps"),
      element("div", { class: "scroll" }, this.table),
    ];
  }

  buildProgram() {
    const { program } = this.model;
    if (!program) return [];
    this.blocks = program.circuits.map(({ text }) =>
      element("pre", { class: "block" }, text),
    );
    return [element("div", {}, element("h4", {}, "Program"), ...this.blocks)];
  }

  buildPicture() {
    if (!this.model.program) return [];
    return [
      element(
        "figure",
        {},
        element("figcaption", {}, element("h4", {}, "Circuit"), this.pictureTitle),
        this.picture,
      ),
      element(
        "p",
        { class: "note" },
        "On the left are the registers before the step, on the right what they become. " +
          "Of two arguments of a gate, the upper one is the first: WRITE takes an address " +
          "and then a value.",
      ),
    ];
  }

  show(step) {
    const { result, model } = this;
    if (!result) return;
    const now = result.steps[step];
    this.cells.replaceChildren(
      ...now.after.tape.map((value, cell) =>
        this.cell(cell, value, now.before.tape[cell], {
          "data-cell": cell,
          class: [now.read.has(cell) && "read", now.changed.has(cell) && "changed"]
            .filter((x) => x)
            .join(" "),
        }),
      ),
    );
    this.registers.replaceChildren(
      ...now.after.registers.map((value, index) =>
        this.cell(`r${index + 1}`, value, now.before.registers[index], {
          "data-register": index,
          class: value === now.before.registers[index] ? "" : "changed",
        }),
      ),
    );
    this.blocks.forEach((block, index) =>
      index === now.circuit
        ? block.setAttribute("aria-current", "step")
        : block.removeAttribute("aria-current"),
    );
    if (model.program) {
      const circuit = model.program.circuits[now.circuit];
      this.picture.replaceChildren(drawCircuit(circuit, now));
      const condition = circuit.text.split(":\n")[0];
      this.pictureTitle.textContent =
        condition === "always" ? "the only one that there is" : `the one for ${condition}`;
    }
    if (this.drawn !== result) this.drawTable();
    this.drawn = result;
    this.rows.forEach((row, index) => row.classList.toggle("now", index === step));
    this.verdict.textContent = this.judge();
    const ends = step === result.last && result.stopped ? " The machine stops." : "";
    const place = `Step ${step + 1} of ${result.steps.length}.`;
    this.caption.textContent = `${place} ${this.tell(now)}${ends}`;
  }

  // A box with a name above it, a value, and the value before if that was another.
  cell(name, value, old, attributes) {
    const box = element("div", { class: "box" }, `${value}`);
    const before = element("small", {}, old === value ? "" : `was ${old}`);
    return element("div", attributes, element("small", {}, `${name}`), box, before);
  }

  // The tape and the registers at the start and after every step.
  drawTable() {
    const { start, steps } = this.result;
    const registers = steps[0].before.registers;
    const head = element(
      "tr",
      {},
      element("th", {}, "after step"),
      ...start.map((_, cell) => element("th", {}, `${cell}`)),
      ...registers.map((_, index) =>
        element("th", { class: index ? "" : "first" }, `r${index + 1}`),
      ),
    );
    const row = (title, tape, contents, changed, attributes) =>
      element(
        "tr",
        attributes,
        element("th", {}, title),
        ...tape.map((value, cell) =>
          element("td", changed.has(cell) ? { class: "changed" } : {}, `${value}`),
        ),
        ...contents.map((value, index) =>
          element("td", { class: index ? "" : "first" }, `${value}`),
        ),
      );
    this.rows = steps.map(({ after, changed }, index) =>
      row(`${index + 1}`, after.tape, after.registers, changed, {
        onclick: () => this.player.go(index),
        class: "step",
      }),
    );
    const first = row("start", start, registers, new Set(), {});
    this.table.replaceChildren(head, first, ...this.rows);
  }

  judge() {
    const { steps, stopped, example } = this.result;
    const count = some(steps.length, "step");
    const end = stopped
      ? `It stopped by itself after ${count}.`
      : `It ran for the ${count} that it was given.`;
    if (!example) return end;
    const { tape } = steps.at(-1).after;
    const { answer, answer_cells: cells } = example;
    const wrong = cells.filter((cell) => tape[cell] !== answer[cell]);
    const [first] = cells;
    if (cells.length === 1) {
      const expected = wrong.length ? `wrong, expected was ${answer[first]}` : "right";
      return `${end} The answer in cell ${first}, ${tape[first]}, is ${expected}.`;
    }
    return wrong.length
      ? `${end} Of the ${cells.length} cells of the answer, wrong are ${wrong.join(", ")}.`
      : `${end} All ${cells.length} cells of the answer are right.`;
  }

  tell({ before, after, changed }) {
    const cells = [...changed].map((cell) =>
      after.tape[cell] === before.tape[cell]
        ? `Cell ${cell} is written with the ${after.tape[cell]} that it holds.`
        : `Cell ${cell} becomes ${after.tape[cell]}.`,
    );
    const registers = after.registers
      .map((value, index) => [value, before.registers[index], `r${index + 1}`])
      .filter(([value, old]) => value !== old)
      .map(([value, , name]) => `${name} becomes ${value}.`);
    return [...cells, ...registers].join(" ") || "Nothing changes.";
  }
}

// A circuit as it was laid out, with the values of a step.
function drawCircuit({ nodes, edges, gates }, { values, after }) {
  if (!nodes.length) return element("p", { class: "note" }, "No gate is used.");
  const rows = [
    ...nodes.map(({ row }) => row),
    ...edges.flatMap(({ path }) => path.map(([, row]) => row)),
  ];
  const top = Math.min(...rows);
  const columns = Math.max(...nodes.map(({ column }) => column));
  const x = (column) => 4 + BOX.width / 2 + column * COLUMN;
  const y = (row) => 4 + BOX.height / 2 + (row - top) * ROW;
  const width = 8 + BOX.width + columns * COLUMN;
  const height = 8 + BOX.height + (Math.max(...rows) - top) * ROW;
  const arrow = svgElement(
    "marker",
    {
      id: "arrow",
      viewBox: "0 0 8 8",
      refX: 7.5,
      refY: 4,
      markerWidth: 8,
      markerHeight: 8,
      orient: "auto",
      markerUnits: "userSpaceOnUse",
    },
    svgElement("path", { d: "M0,0.5L8,4L0,7.5z" }),
  );
  const lines = edges.map(({ path, argument, num_arguments: count }) => {
    const half = BOX.width / 2;
    let from = [x(path[0][0]) + half, y(path[0][1])];
    let line = `M${from}`;
    path.slice(1).forEach(([column, row], index) => {
      const isEnd = index === path.length - 2;
      const shift = isEnd ? (argument - (count - 1) / 2) * 16 : 0;
      const to = [x(column) - half, y(row) + shift];
      const middle = (from[0] + to[0]) / 2;
      line += `C${middle},${from[1]} ${middle},${to[1]} ${to}`;
      if (!isEnd) line += `H${x(column) + half}`;
      from = [x(column) + half, to[1]];
    });
    return svgElement("path", { class: "wire", d: line, "marker-end": "url(#arrow)" });
  });
  const boxes = nodes.map(({ name, kind, column, row }) => {
    const value =
      kind === "next" ? after.registers[Number(name.slice(1)) - 1] : values[name];
    const writes = kind === "gate" && /^WRITE\d*$/.test(name);
    const reads = kind === "gate" && /^READ\d*$/.test(name);
    const [left, upper] = [x(column) - BOX.width / 2, y(row) - BOX.height / 2];
    return svgElement(
      "g",
      {
        class: `node ${kind} ${writes ? "changed" : ""} ${reads ? "read" : ""}`,
        [`data-${kind}`]: name,
      },
      svgElement("rect", {
        x: left,
        y: upper,
        ...BOX,
        rx: kind === "gate" ? 5 : BOX.height / 2,
      }),
      svgElement("text", { x: x(column), y: y(row) - 5, class: "name" }, shortName(name)),
      svgElement(
        "text",
        { x: x(column), y: y(row) + 13, class: "value" },
        `${value ?? ""}`,
      ),
    );
  });
  return svgElement(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": `A circuit of ${some(Object.keys(gates).length, "gate")}`,
    },
    svgElement("defs", {}, arrow),
    ...lines,
    ...boxes,
  );
}

// LESS-OR-EQUAL is too long for a box.
function shortName(name) {
  return name.replace(/^LESS-OR-EQUAL/, "LESS-OR-EQ");
}
