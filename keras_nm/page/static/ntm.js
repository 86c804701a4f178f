// Neural Turing Machines: what they read and write, and their memory at every time step.

class NtmView extends SequencesView {
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

  summarize(steps) {
    const weightings = steps.flatMap((step) => [...step.reading, ...step.writing]);
    const largest = Math.max(...steps.map(({ memory }) => maxAbsolute(memory)));
    return {
      used: focusedLocations(weightings, this.model.locations),
      limit: Math.max(largest, 1e-3),
    };
  }

  buildInside() {
    const { model } = this;
    const heads = (count, verb) =>
      Array.from({ length: count }, (_, index) =>
        this.picture(
          count === 1 ? `${verb} weighting` : `${verb} weighting ${index + 1}`,
          `where the head ${verb.toLowerCase()}s`,
        ),
      );
    this.writing = heads(model.write_heads, "Write");
    this.reading = heads(model.read_heads, "Read");
    return [...this.writing, ...this.reading];
  }

  buildBelow() {
    const { model } = this;
    const [note] = super.buildBelow();
    this.memory = new MemoryPicture();
    this.memoryTitle = element("strong", {});
    this.memoryScale = element("span", {});
    this.all = element("input", { type: "checkbox", onchange: () => this.redraw() });
    note.append(
      " The rows above the memory are the weightings of the heads at this step, and " +
        "beside it is what was read" +
        (model.step_order === "read_first" ? ", just before the step wrote." : "."),
    );
    return [
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
      note,
      element(
        "label",
        { class: "check" },
        this.all,
        ` Show all ${model.locations} locations, also those that no head comes near`,
      ),
    ];
  }

  drawInside(step) {
    const { result, model } = this;
    const { steps } = result;
    const now = steps[step];
    const locations = this.all.checked
      ? Array.from({ length: model.locations }, (_, index) => index)
      : result.used;
    const place = (index) => `${locations[index]}`;
    const pick = (row) => locations.map((location) => row[location]);
    for (const kind of ["writing", "reading"]) {
      this[kind].forEach((picture, head) =>
        picture.draw({
          values: transpose(steps.map((s) => pick(s[kind][head]))),
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
  }
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
