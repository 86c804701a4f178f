// The menu, and the view of the chosen model.

// By what a model's description says of its view.
const VIEWS = {
  sequences: SequencesView,
  ntm: NtmView,
  nram: NramView,
  neural_gpu: NeuralGpuView,
};

const models = JSON.parse(document.getElementById("models").textContent);
const views = new Map();
const main = document.querySelector("main");
const menu = document.querySelector("nav");

function choose(index) {
  for (const view of views.values()) view.player.pause();
  if (!views.has(index)) {
    const Kind = VIEWS[models[index].view];
    views.set(index, new Kind(models[index], index));
  }
  [...menu.children].forEach((link, i) =>
    i === index
      ? link.setAttribute("aria-current", "page")
      : link.removeAttribute("aria-current"),
  );
  main.replaceChildren(views.get(index).root);
  views.get(index).redraw();
}

function chooseByAddress() {
  const hash = location.hash.slice(1);
  const index = models.findIndex((model) => encodeURIComponent(model.name) === hash);
  choose(Math.max(index, 0));
}

for (const model of models) {
  menu.append(
    element(
      "a",
      { href: `#${encodeURIComponent(model.name)}` },
      element("strong", {}, model.name),
      element("span", {}, model.summary),
    ),
  );
}
window.addEventListener("hashchange", chooseByAddress);
document.addEventListener("keydown", (event) => {
  const view = [...views.values()].find(({ root }) => root.isConnected);
  const typing = event.target.closest("input, textarea, select");
  if (view && !view.results.hidden && !typing) view.player.key(event);
});
chooseByAddress();
