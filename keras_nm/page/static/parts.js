// Parts of which the views of all machines are made.

class InputError extends Error {}

// An element with attributes, listeners ("onclick") and children, which may be strings.
function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svgElement(name, attributes = {}, ...children) {
  return fill(
    document.createElementNS("http://www.w3.org/2000/svg", name),
    attributes,
    children,
  );
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function some(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

// An integer that someone typed, or an error that says what was expected.
function readInteger(text, name, minimum, maximum) {
  const trimmed = text.trim();
  const value = /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : NaN;
  if (!(value >= minimum && value <= maximum)) {
    throw new InputError(
      `${name} must be an integer from ${minimum} to ${maximum}, and it is ` +
        (trimmed ? `“${shorten(trimmed)}”.` : "empty."),
    );
  }
  return value;
}

function shorten(text) {
  return text.length > 30 ? `${text.slice(0, 30)}…` : text;
}

// A docstring: paragraphs, and blocks with spaces before every line, which are tables.
function explain(text) {
  return text
    .split("\n\n")
    .filter((block) => block.trim())
    .map((block) =>
      block.startsWith("    ")
        ? element("pre", {}, block.replace(/^ {4}/gm, ""))
        : element("p", {}, block.replace(/::$/, ":").replaceAll("`", "")),
    );
}

// A slider over the steps, with buttons, a play button and the arrow keys.
class Player {
  constructor(show, delay) {
    this.show = show;
    this.delay = delay;
    this.timer = null;
    this.slider = element("input", {
      type: "range",
      min: 0,
      value: 0,
      "aria-label": "Step",
      oninput: () => this.go(Number(this.slider.value)),
    });
    this.playButton = element("button", {
      type: "button",
      class: "play",
      onclick: () => (this.timer ? this.pause() : this.play()),
    });
    const button = (text, label, move) =>
      element(
        "button",
        { type: "button", "aria-label": label, onclick: () => this.go(this.step + move) },
        text,
      );
    this.root = element(
      "div",
      { class: "player" },
      button("◀", "One step back", -1),
      this.playButton,
      button("▶", "One step forward", 1),
      this.slider,
    );
    this.pause();
  }

  // Starts again with steps 0 to `last`.
  reset(last) {
    this.pause();
    this.slider.max = last;
    this.move(0);
  }

  get step() {
    return Number(this.slider.value);
  }

  get last() {
    return Number(this.slider.max);
  }

  go(step) {
    this.pause();
    this.move(step);
  }

  move(step) {
    this.slider.value = Math.min(Math.max(step, 0), this.last);
    this.show(this.step);
  }

  play() {
    if (this.step === this.last) this.move(0);
    this.playButton.textContent = "Pause";
    this.timer = setInterval(() => {
      this.move(this.step + 1);
      if (this.step === this.last) this.pause();
    }, this.delay);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.playButton.textContent = "Play";
  }

  key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1 };
    // With others they are the browser's, such as Back.
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.key in moves)) return;
    event.preventDefault();
    this.go(this.step + moves[event.key]);
  }
}

// What all views have: the model in words, a form with a message, and results, which are
// hidden until there are some. Subclasses have `buildForm`, `buildResults`, `readForm`,
// `compute` and `show`.
class View {
  constructor(model, index) {
    this.model = model;
    this.index = index;
    this.message = element("p", { class: "message", role: "alert" });
    this.runButton = element("button", { type: "submit", class: "run" }, "Run");
    this.status = element("span", { class: "status", role: "status" });
    this.player = new Player((step) => this.show(step), this.delay);
    this.form = element(
      "form",
      {
        novalidate: "",
        onsubmit: (event) => {
          event.preventDefault();
          this.run();
        },
      },
      ...this.buildForm(),
      element("div", { class: "row" }, this.runButton, this.status),
      this.message,
    );
    this.results = element("section", { class: "results", hidden: "" });
    this.results.append(...this.buildResults());
    this.root = element("article", {}, ...this.buildHead(), this.form, this.results);
    // Not at once, because a picture that changes the layout would be an error then.
    const observer = new ResizeObserver(() => requestAnimationFrame(() => this.redraw()));
    observer.observe(this.results);
  }

  buildHead() {
    const { model } = this;
    const facts = element("dl", {});
    for (const [word, sentence] of model.facts) {
      facts.append(element("dt", {}, word), element("dd", {}, sentence));
    }
    return [
      element("h2", {}, model.name),
      element("p", { class: "summary" }, model.summary),
      element("p", { class: "note" }, model.line),
      element(
        "details",
        { class: "facts" },
        element("summary", {}, "About this model"),
        facts,
      ),
    ];
  }

  // Runs the function, and says in the page what is wrong with the input.
  checked(read) {
    this.message.textContent = "";
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.message.textContent = error.message;
      return null;
    }
  }

  async run() {
    const input = this.checked(() => this.readForm());
    if (input === null || this.runButton.disabled) return;
    this.runButton.disabled = true;
    this.results.removeAttribute("data-run");
    this.status.textContent = loaded.has(this.index)
      ? "Running…"
      : "Loading the machine…";
    try {
      const started = await openModel(this.index);
      await new Promise((done) => setTimeout(done)); // so that the status is seen
      this.result = await this.compute(started, input);
      this.results.hidden = false;
      this.player.reset(this.result.last);
      this.results.setAttribute("data-run", "done");
      this.status.textContent = "";
      if (this.results.getBoundingClientRect().top > window.innerHeight / 2) {
        this.results.scrollIntoView({ behavior: "smooth" });
      }
    } catch (error) {
      this.status.textContent = "";
      this.message.textContent = `This browser cannot run the machine: ${error.message}`;
    } finally {
      this.runButton.disabled = false;
    }
  }

  redraw() {
    if (this.result && !this.results.hidden) this.show(this.player.step);
  }
}
