// Machines from sequences to sequences: outputs and states at every time step.

const MAX_VECTORS = 30;
const MAX_STEPS = 500;
const RANDOM_VECTORS = 8;
const MAX_ENTRIES = 64; // in the picture of a state, so that it fits on a screen

// What is inside is shown as states, of which nothing is known but their names. Subclasses
// that know more show it in `look`, `summarize`, `buildInside`, `buildBelow` and
// `drawInside`.
class SequencesView extends View {
  get delay() {
    return 250;
  }

  // Whether one gives vectors of bits, of which the page makes the machine's inputs.
  get takesVectors() {
    return this.model.typed === "vectors";
  }

  // SavedModels give states in no certain order.
  get stateNames() {
    return Object.keys(this.model.initial_state).sort();
  }

  buildForm() {
    this.text = element("textarea", {
      rows: 6,
      spellcheck: "false",
      onchange: () => this.checked(() => this.readText()),
    });
    return this.takesVectors ? this.buildBitsForm() : this.buildMatrixForm();
  }

  // Bits to click. The mark of the end and the steps for the answer are added.
  buildBitsForm() {
    this.vectors = [];
    this.grid = new BitGrid(this.model.num_bits, () => this.writeText());
    this.count = element("input", {
      type: "text",
      inputmode: "numeric",
      class: "short",
      onchange: () => this.checked(() => this.resize()),
    });
    const button = (text, bit) =>
      element(
        "button",
        {
          type: "button",
          onclick: () =>
            this.checked(() => {
              this.resize();
              this.setVectors(this.vectors.map((vector) => vector.map(bit)));
            }),
        },
        text,
      );
    this.count.value = RANDOM_VECTORS;
    this.resize();
    return [
      element("h3", {}, "What shall it remember?"),
      element(
        "p",
        {},
        "Click bits to turn them on and off: a column is a vector of " +
          `${this.model.num_bits} bits. The page adds a mark of the end, and then as many ` +
          "silent steps, in which the machine is to repeat the vectors in their order.",
      ),
      element(
        "div",
        { class: "row" },
        element("label", {}, "Vectors ", this.count),
        button("Random", randomBit),
        button("Clear", () => 0),
      ),
      this.grid.root,
      element(
        "details",
        {},
        element("summary", {}, "Type the bits"),
        element("label", {}, "One vector in a line", this.text),
      ),
    ];
  }

  buildMatrixForm() {
    const { examples, features } = this.model;
    this.example = element("select", {
      onchange: () => this.setExample(examples[this.example.selectedIndex]),
    });
    this.example.append(...examples.map(({ name }) => element("option", {}, name)));
    if (examples.length) this.setExample(examples[0]);
    else this.text.value = Array(features).fill(0).join(" ");
    return [
      element("h3", {}, "What shall it see?"),
      ...explain(this.model.explanation),
      ...(examples.length ? [element("label", {}, "Example ", this.example)] : []),
      element(
        "label",
        {},
        `One time step in a line, ${features} numbers in each`,
        this.text,
      ),
    ];
  }

  setExample(example) {
    this.text.value = example.inputs.map((row) => row.join(" ")).join("\n");
  }

  setVectors(vectors) {
    this.vectors = vectors;
    this.count.value = vectors.length;
    this.grid.set(vectors);
    this.writeText();
  }

  writeText() {
    this.text.value = this.vectors.map((vector) => vector.join("")).join("\n");
  }

  // Takes the number of vectors from its field. New ones are random.
  resize() {
    const count = readInteger(this.count.value, "The number of vectors", 1, MAX_VECTORS);
    if (count === this.vectors.length) return;
    const more = () => Array.from({ length: this.model.num_bits }, randomBit);
    this.setVectors(Array.from({ length: count }, (_, i) => this.vectors[i] ?? more()));
  }

  // Takes vectors or time steps from the text.
  readText() {
    const lines = this.text.value.split("\n").map((line) => line.trim());
    const rows = lines.filter((line) => line);
    return this.takesVectors ? this.readVectors(rows) : this.readNumbers(rows);
  }

  readVectors(rows) {
    const { num_bits: size } = this.model;
    if (rows.length < 1 || rows.length > MAX_VECTORS) {
      throw new InputError(
        `There must be 1 to ${MAX_VECTORS} vectors, and there are ${rows.length}.`,
      );
    }
    const vectors = rows.map((row, index) => {
      const bits = row.replace(/[\s,]/g, "");
      if (!/^[01]+$/.test(bits) || bits.length !== size) {
        throw new InputError(
          `Vector ${index + 1} must be ${size} bits, each 0 or 1, and it is ` +
            `“${shorten(row)}”.`,
        );
      }
      return [...bits].map(Number);
    });
    this.setVectors(vectors);
    return vectors;
  }

  readNumbers(rows) {
    const { features } = this.model;
    if (rows.length < 1 || rows.length > MAX_STEPS) {
      throw new InputError(
        `There must be 1 to ${MAX_STEPS} time steps, and there are ${rows.length}.`,
      );
    }
    return rows.map((row, index) => {
      const numbers = row.split(/[\s,]+/).filter((x) => x);
      const values = numbers.map(Number);
      if (numbers.length !== features || !values.every((x) => Number.isFinite(Math.fround(x)))) {
        throw new InputError(
          `Time step ${index + 1} must be ${features} numbers, and it is ` +
            `“${shorten(row)}”.`,
        );
      }
      return values;
    });
  }

  // The inputs, the right answer where it is known, and the steps that count.
  readForm() {
    if (!this.takesVectors) {
      const inputs = this.readText();
      const example = this.model.examples[this.example.selectedIndex];
      const same = example && String(example.inputs) === String(inputs);
      return {
        inputs,
        answer: same ? example.answer : null,
        counts: same && example.counts,
      };
    }
    this.resize();
    this.readText();
    const silent = Array(this.model.num_bits).fill(0);
    const before = [...this.vectors, silent];
    const channel = (vectors, bit) => vectors.map((vector) => [...vector, bit]);
    const waiting = this.vectors.map(() => silent);
    return {
      inputs: [...channel(this.vectors, 0), [...silent, 1], ...channel(waiting, 0)],
      // A copy, because bits may be clicked while the machine runs.
      answer: [...before.map(() => silent), ...this.vectors.map((x) => [...x])],
      counts: [...before.map(() => 0), ...this.vectors.map(() => 1)],
    };
  }

  async compute({ ort, session }, { inputs, answer, counts }) {
    const { model } = this;
    const tensor = (values) =>
      new ort.Tensor("float32", Float32Array.from(flatten(values)), [1, ...sizes(values)]);
    let states = Object.fromEntries(
      Object.entries(model.initial_state).map(([name, values]) => [name, tensor(values)]),
    );
    const steps = [];
    for (const row of inputs) {
      const { outputs, ...next } = await runStep(session, {
        inputs: tensor(row),
        ...states,
      });
      states = next;
      steps.push({
        outputs: this.probabilities([...outputs.data]),
        ...this.look(states),
      });
    }
    // Of tokens, at most one output per step is wrong: that of the class it answers.
    const says = (outputs, p) =>
      model.answers_tokens ? p === Math.max(...outputs) : p > 0.5;
    const isWrong = (said, right) => (model.answers_tokens ? said && !right : said !== right);
    const wrong = steps.map(({ outputs }, t) =>
      outputs.map((p, index) => {
        if (!counts || !counts[t]) return false;
        const right = answer[t][index] > 0.5;
        // An output of NaN says nothing.
        if (Number.isNaN(p)) return right || !model.answers_tokens;
        return isWrong(says(outputs, p), right);
      }),
    );
    return {
      inputs,
      steps,
      counts,
      wrong,
      last: inputs.length - 1,
      ...this.summarize(steps),
    };
  }

  probabilities(outputs) {
    const { activation } = this.model;
    return activation ? ACTIVATIONS[activation](outputs) : outputs;
  }

  // What an answer consists of.
  get unit() {
    return this.model.answers_tokens ? "token" : "bit";
  }

  // What to keep of the tensors of the states after a step.
  look(states) {
    return { states: this.stateNames.map((name) => [...states[name].data]) };
  }

  // What pictures need of all steps together.
  summarize(steps) {
    const histories = this.stateNames.map((_, index) => {
      const values = transpose(steps.map(({ states }) => states[index]));
      const entries = liveliest(values, MAX_ENTRIES);
      const shown = entries.map((entry) => values[entry]);
      return { entries, values: shown, limit: Math.max(maxAbsolute(shown), 1e-3) };
    });
    return { histories };
  }

  buildResults() {
    this.verdict = element("p", { class: "verdict" });
    this.caption = element("p", { class: "caption", "aria-live": "polite" });
    this.inputs = this.picture("Inputs", "what the machine sees");
    const of = this.model.answers_tokens ? "each class" : "a 1";
    this.outputs = this.picture("Outputs", `the probability of ${of}`);
    const figures = [this.inputs, this.outputs, ...this.buildInside()];
    return [
      this.verdict,
      element("div", { class: "sticky" }, this.player.root, this.caption),
      element("div", { class: "figures" }, ...figures.map(({ root }) => root)),
      ...this.buildBelow(),
    ];
  }

  picture(title, note) {
    return new TimePicture(title, note, (step) => this.player.go(step));
  }

  // Pictures over time of what is inside, which stand beside those of inputs and outputs.
  buildInside() {
    this.pictures = this.stateNames.map((name) => {
      const size = flatten(this.model.initial_state[name]).length;
      const all = `a state of ${some(size, "number")}`;
      const most = `the ${MAX_ENTRIES} of ${size} numbers that change most`;
      return this.picture(name, size > MAX_ENTRIES ? most : all);
    });
    return this.pictures;
  }

  // What stands below all pictures over time.
  buildBelow() {
    const note = "Outputs are pale where no answer is asked for.";
    return [element("p", { class: "note" }, note)];
  }

  show(step) {
    const { result, model } = this;
    if (!result) return;
    const { steps, inputs } = result;
    // After the bits of vectors comes the mark of the end.
    const channel = (index) => (index === model.num_bits ? "end" : `${index + 1}`);
    this.inputs.draw({
      values: transpose(inputs),
      step,
      label: "channel",
      name: channel,
      limit: this.takesVectors ? 0 : Math.max(maxAbsolute(inputs), 1),
    });
    this.outputs.draw({
      values: transpose(steps.map(({ outputs }) => outputs)),
      step,
      label: "channel",
      name: channel,
      marks: (row, t) => result.wrong[t][row],
      pale: (t) => Boolean(result.counts) && !result.counts[t],
    });
    this.drawInside(step);
    this.verdict.textContent = this.judge();
    this.caption.textContent = `Step ${step + 1} of ${steps.length}. ${this.tell(step)}`;
  }

  drawInside(step) {
    this.result.histories.forEach(({ entries, values, limit }, index) =>
      this.pictures[index].draw({
        values,
        step,
        label: "entry",
        name: (row) => `${entries[row] + 1}`,
        limit,
      }),
    );
  }

  // How good the answer is.
  judge() {
    const { counts, wrong } = this.result;
    if (!counts) return "The right answer is known for the unchanged examples only.";
    const perStep = this.model.answers_tokens ? 1 : wrong[0].length;
    const total = counts.filter((x) => x).length * perStep;
    const errors = wrong.flat().filter((x) => x).length;
    return errors === 0
      ? `All ${total} ${this.unit}s of the answer are right.`
      : `${errors} of the ${total} ${this.unit}s of the answer are wrong: they are crossed out.`;
  }

  // What happens at a step.
  tell(step) {
    const { counts, wrong, inputs } = this.result;
    const errors = wrong[step].filter((x) => x).length;
    const right = errors ? `${some(errors, this.unit)} wrong` : `all ${this.unit}s right`;
    if (!this.takesVectors) return counts && counts[step] ? `An answer, ${right}.` : "";
    const count = inputs.length >> 1;
    if (step < count) return `It sees vector ${step + 1}.`;
    if (step === count) return "It sees the mark of the end.";
    return `It sees nothing, and answers vector ${step - count}: ${right}.`;
  }
}

// By Keras's names, what makes probabilities of the outputs of one step.
const ACTIVATIONS = {
  sigmoid: (outputs) => outputs.map((x) => 1 / (1 + Math.exp(-x))),
  softmax: (outputs) => {
    const highest = Math.max(...outputs);
    const powers = outputs.map((x) => Math.exp(x - highest));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  },
};

// Bits as squares: a column for each vector. One press turns on or off all it moves over.
class BitGrid {
  constructor(size, changed) {
    this.size = size;
    this.changed = changed;
    this.painting = null;
    this.root = element("div", { class: "bits", role: "group", "aria-label": "Bits" });
    this.root.addEventListener("pointerdown", (event) => {
      const cell = this.cell(event);
      if (!cell) return;
      event.preventDefault();
      this.painting = 1 - this.vectors[cell.dataset.vector][cell.dataset.bit];
      this.paint(cell);
    });
    this.root.addEventListener("pointermove", (event) => {
      if (this.painting !== null && event.buttons) this.paint(this.cell(event));
    });
    window.addEventListener("pointerup", () => (this.painting = null));
  }

  cell({ clientX, clientY }) {
    const target = document.elementFromPoint(clientX, clientY);
    return target && this.root.contains(target) ? target.closest("[data-bit]") : null;
  }

  paint(cell) {
    if (!cell) return;
    this.vectors[cell.dataset.vector][cell.dataset.bit] = this.painting;
    cell.classList.toggle("on", this.painting === 1);
    this.changed();
  }

  // The vectors are the caller's, and change with the bits.
  set(vectors) {
    this.vectors = vectors;
    this.root.style.setProperty("--columns", vectors.length);
    const cells = [];
    for (let bit = 0; bit < this.size; bit++) {
      vectors.forEach((vector, index) =>
        cells.push(
          element("span", {
            class: vector[bit] ? "bit on" : "bit",
            "data-vector": index,
            "data-bit": bit,
            title: `Vector ${index + 1}, bit ${bit + 1}`,
          }),
        ),
      );
    }
    this.root.replaceChildren(...cells);
  }
}

function randomBit() {
  return Math.random() < 0.5 ? 0 : 1;
}

function transpose(rows) {
  return rows[0].map((_, column) => rows.map((row) => row[column]));
}

function maxAbsolute(rows) {
  return Math.max(...rows.map((row) => Math.max(...row.map(Math.abs))));
}

function flatten(values) {
  return [values].flat(Infinity);
}

// The sizes of the dimensions of nested arrays.
function sizes(values) {
  return Array.isArray(values) ? [values.length, ...sizes(values[0])] : [];
}

// The rows, at most `count`, with the largest differences within them, in their order.
function liveliest(rows, count) {
  // Not Math.max(...row): a row can be longer than a list of arguments.
  const highest = (row) => row.reduce((a, b) => Math.max(a, b));
  const lowest = (row) => row.reduce((a, b) => Math.min(a, b));
  const range = rows.map((row) => highest(row) - lowest(row));
  const order = rows.map((_, index) => index).sort((a, b) => range[b] - range[a]);
  return order.slice(0, count).sort((a, b) => a - b);
}
