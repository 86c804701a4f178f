// Neural Turing Machines: sequences in, outputs and a memory at every time step.

const MAX_VECTORS = 30;
const MAX_STEPS = 500;
const RANDOM_VECTORS = 8;

class NtmView extends View {
  get delay() {
    return 250;
  }

  buildForm() {
    this.text = element("textarea", {
      rows: 6,
      spellcheck: "false",
      onchange: () => this.checked(() => this.readText()),
    });
    return this.model.num_bits === null ? this.buildMatrixForm() : this.buildBitsForm();
  }

  // Copying: bits to click. The mark of the end and the steps for the answer are added.
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
    if (this.model.num_bits === null) return this.readNumbers(rows);
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
      if (numbers.length !== features || !values.every(Number.isFinite)) {
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
    if (this.model.num_bits === null) {
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
      answer: [...before.map(() => silent), ...this.vectors],
      counts: [...before.map(() => 0), ...this.vectors.map(() => 1)],
    };
  }

  async compute({ ort, session }, { inputs, answer, counts }) {
    const { model } = this;
    const tensor = (row) =>
      new ort.Tensor("float32", Float32Array.from(row), [1, row.length]);
    let states = Object.fromEntries(
      Object.entries(model.initial_state).map(([name, row]) => [name, tensor(row)]),
    );
    const steps = [];
    for (const row of inputs) {
      const { outputs, ...next } = await runStep(session, {
        inputs: tensor(row),
        ...states,
      });
      states = next;
      steps.push({
        outputs: [...outputs.data].map(this.probability),
        ...this.look(states),
      });
    }
    const wrong = steps.map(({ outputs }, t) =>
      outputs.map(
        (p, bit) => Boolean(counts && counts[t]) && p > 0.5 !== answer[t][bit] > 0.5,
      ),
    );
    const weightings = steps.flatMap((step) => [...step.reading, ...step.writing]);
    const used = focusedLocations(weightings, model.locations);
    const largest = Math.max(...steps.map(({ memory }) => maxAbsolute(memory)));
    return {
      inputs,
      steps,
      counts,
      wrong,
      used,
      limit: Math.max(largest, 1e-3),
      last: inputs.length - 1,
    };
  }

  probability = (output) =>
    this.model.gives_probabilities ? output : 1 / (1 + Math.exp(-output));

  // Memory, weightings and what was read, from the states, in which read heads come first.
  look(states) {
    const { prefix, locations, width, read_heads: readHeads } = this.model;
    const rows = (name, size) => {
      const { data } = states[prefix + name];
      return Array.from({ length: data.length / size }, (_, i) => [
        ...data.slice(i * size, (i + 1) * size),
      ]);
    };
    const weightings = rows("weightings", locations);
    return {
      memory: rows("memory", locations), // width x locations
      reading: weightings.slice(0, readHeads),
      writing: weightings.slice(readHeads),
      reads: rows("reads", width),
    };
  }

  buildResults() {
    const { model } = this;
    const seek = (step) => this.player.go(step);
    const picture = (title, note) => new TimePicture(title, note, seek);
    this.verdict = element("p", { class: "verdict" });
    this.caption = element("p", { class: "caption", "aria-live": "polite" });
    this.inputs = picture("Inputs", "what the machine sees");
    this.outputs = picture("Outputs", "the probability of a 1");
    const heads = (count, verb) =>
      Array.from({ length: count }, (_, index) =>
        picture(
          count === 1 ? `${verb} weighting` : `${verb} weighting ${index + 1}`,
          `where the head ${verb.toLowerCase()}s`,
        ),
      );
    this.writing = heads(model.write_heads, "Write");
    this.reading = heads(model.read_heads, "Read");
    this.memory = new MemoryPicture();
    this.memoryTitle = element("strong", {});
    this.memoryScale = element("span", {});
    this.all = element("input", { type: "checkbox", onchange: () => this.redraw() });
    const figures = [this.inputs, this.outputs, ...this.writing, ...this.reading];
    return [
      this.verdict,
      element("div", { class: "sticky" }, this.player.root, this.caption),
      element("div", { class: "figures" }, ...figures.map(({ root }) => root)),
      element(
        "figure",
        {},
        element(
          "figcaption",
          {},
          this.memoryTitle,
          "a column is a location",
          this.memoryScale,
        ),
        this.memory.root,
      ),
      element(
        "p",
        { class: "note" },
        "Outputs are pale where no answer is asked for. The rows above the memory are " +
          "the weightings of the heads at this step, and beside it is what was read" +
          (model.step_order === "read_first" ? ", just before the step wrote." : "."),
      ),
      element(
        "label",
        { class: "check" },
        this.all,
        ` Show all ${model.locations} locations, also those that no head comes near`,
      ),
    ];
  }

  show(step) {
    const { result, model } = this;
    if (!result) return;
    const { steps, inputs } = result;
    const now = steps[step];
    const locations = this.all.checked
      ? Array.from({ length: model.locations }, (_, index) => index)
      : result.used;
    const place = (index) => `${locations[index]}`;
    const pick = (row) => locations.map((location) => row[location]);
    const overTime = (rows) => transpose(rows);
    const channel = (index) =>
      model.num_bits !== null && index === model.num_bits ? "end" : `${index + 1}`;
    this.inputs.draw({
      values: overTime(inputs),
      step,
      label: "channel",
      name: channel,
      limit: model.num_bits === null ? Math.max(maxAbsolute(inputs), 1) : 0,
    });
    this.outputs.draw({
      values: overTime(steps.map(({ outputs }) => outputs)),
      step,
      label: "channel",
      name: channel,
      marks: (row, t) => result.wrong[t][row],
      pale: (t) => Boolean(result.counts) && !result.counts[t],
    });
    for (const kind of ["writing", "reading"]) {
      this[kind].forEach((picture, head) =>
        picture.draw({
          values: overTime(steps.map((s) => pick(s[kind][head]))),
          step,
          label: "location",
          name: place,
        }),
      );
    }
    const named = (weightings, verb) =>
      weightings.map((weighting, index) => ({
        name: weightings.length === 1 ? verb : `${verb} ${index + 1}`,
        weighting: pick(weighting),
      }));
    this.memory.draw({
      memory: now.memory.map(pick),
      heads: [...named(now.reading, "read"), ...named(now.writing, "write")],
      reads: now.reads,
      limit: result.limit,
      name: place,
    });
    this.memoryTitle.textContent = `Memory after step ${step + 1}`;
    this.memoryScale.replaceChildren(signedScale(result.limit));
    this.verdict.textContent = this.judge();
    this.caption.textContent = `Step ${step + 1} of ${steps.length}. ${this.tell(step)}`;
  }

  // How good the answer is.
  judge() {
    const { counts, wrong } = this.result;
    if (!counts) return "The right answer is known for the unchanged examples only.";
    const total = counts.filter((x) => x).length * wrong[0].length;
    const errors = wrong.flat().filter((x) => x).length;
    return errors === 0
      ? `All ${total} bits of the answer are right.`
      : `${errors} of the ${total} bits of the answer are wrong: they are crossed out.`;
  }

  // What happens at a step of copying.
  tell(step) {
    const { num_bits: size } = this.model;
    const { counts, wrong } = this.result;
    const errors = wrong[step].filter((x) => x).length;
    const right = errors ? `${some(errors, "bit")} wrong` : "all bits right";
    if (size === null) return counts && counts[step] ? `An answer, ${right}.` : "";
    const count = this.result.inputs.length >> 1;
    if (step < count) return `It sees vector ${step + 1}.`;
    if (step === count) return "It sees the mark of the end.";
    return `It sees nothing, and answers vector ${step - count}: ${right}.`;
  }
}

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

// The shortest range on the ring of locations with all that a head focused on, and a few
// more on both sides.
function focusedLocations(weightings, count) {
  const margin = 3;
  const strongest = Array.from({ length: count }, (_, location) =>
    Math.max(...weightings.map((weighting) => weighting[location])),
  );
  const all = strongest.map((_, location) => location);
  const focused = all.filter((location) => strongest[location] > 0.1);
  if (!focused.length) return all;
  const gap = (index) =>
    (focused[(index + 1) % focused.length] - focused[index] + count - 1) % count;
  const widest = focused.reduce((best, _, i) => (gap(i) > gap(best) ? i : best), 0);
  const first = focused[(widest + 1) % focused.length] - margin;
  const length = count - gap(widest) + 2 * margin;
  if (length >= count) return all;
  return Array.from({ length }, (_, index) => (first + index + count) % count);
}
