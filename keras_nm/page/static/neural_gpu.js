// Neural GPUs: the answer and the state at all positions, after every step.

class NeuralGpuView extends SequencesView {
  async compute({ ort, session }, { inputs, answer, counts }) {
    const { width, maps } = this.model;
    const length = inputs.length;
    const tensor = (values, sizes) =>
      new ort.Tensor("float32", Float32Array.from(values), sizes);
    const tokens = tensor(flatten(inputs), [1, length, inputs[0].length]);
    const size = width * maps;
    let state = tensor(Array(length * size).fill(0), [1, length, width, maps]);
    const steps = [];
    for (let time = 0; time < length; time++) {
      const result = await runStep(session, {
        inputs: tokens,
        state,
        time: new ort.Tensor("int32", Int32Array.of(time), []),
      });
      state = result.state;
      const rows = ({ data }, size) =>
        inputs.map((_, i) => [...data.slice(i * size, (i + 1) * size)]);
      steps.push({
        outputs: rows(result.outputs, result.outputs.dims[2]).map((row) =>
          this.probabilities(row),
        ),
        state: rows(state, size),
      });
    }
    const said = ({ outputs }) => outputs.map((row) => row.indexOf(Math.max(...row)));
    const last = said(steps[length - 1]);
    const wrong = last.map(
      (index, position) =>
        Boolean(counts && counts[position]) && !(answer[position][index] > 0.5),
    );
    const history = transpose(steps.map(({ state }) => flatten(state)));
    const entries = liveliest(this.perMap(history, length), MAX_ENTRIES);
    return { inputs, steps, counts, last: length - 1, answers: last, wrong, entries };
  }

  // The changes of each map, over all positions.
  perMap(history, length) {
    const size = history.length / length;
    return Array.from({ length: size }, (_, map) =>
      Array.from({ length }, (_, position) => history[position * size + map]).flat(),
    );
  }

  buildInside() {
    this.came = this.picture(
      "How the answer came about",
      "the probability of the answer at each position",
    );
    const size = this.model.width * this.model.maps;
    this.state = this.picture(
      "State",
      size > MAX_ENTRIES ? `the ${MAX_ENTRIES} of ${size} maps that change most` : "",
    );
    return [this.came, this.state];
  }

  show(step) {
    const { result } = this;
    if (!result) return;
    const { inputs, steps, answers, wrong, entries } = result;
    const name = (index) => `${index + 1}`;
    const columns = "position";
    const pale = (position) => Boolean(result.counts) && !result.counts[position];
    const now = steps[step];
    this.inputs.draw({ values: transpose(inputs), step, label: "channel", name, columns });
    this.outputs.draw({
      values: transpose(now.outputs),
      step,
      label: "class",
      name: (index) => `${index}`,
      columns,
      pale,
      marks: (row, position) =>
        step === result.last && wrong[position] && answers[position] === row,
    });
    this.came.draw({
      values: answers.map((index, position) =>
        steps.map(({ outputs }) => outputs[position][index]),
      ),
      step,
      label: "position",
      name,
    });
    this.state.draw({
      values: entries.map((entry) => now.state.map((row) => row[entry])),
      step,
      label: "map",
      name: (row) => `${entries[row] + 1}`,
      columns,
      limit: 1,
    });
    this.verdict.textContent = this.judge();
    this.caption.textContent = `Step ${step + 1} of ${steps.length}.`;
  }

  judge() {
    const { counts, wrong } = this.result;
    if (!counts) return "The right answer is known for the unchanged examples only.";
    const total = counts.filter((x) => x).length;
    const errors = wrong.filter((x) => x).length;
    return errors === 0
      ? `All ${total} tokens of the answer are right.`
      : `${errors} of the ${total} tokens of the answer are wrong: they are crossed out.`;
  }
}
