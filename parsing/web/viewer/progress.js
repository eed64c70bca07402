// What happens while a photo is at work, and what was found: the stage and a bar over the picture, the facts below it.
class Progress {
  constructor(root, words) {
    this.busy = root.querySelector(".busy");
    this.facts = root.querySelector("#facts");
    this.empty = root.querySelector(".hint");
    this.words = words;
  }

  // Shows a stage: {name, model, expected}, the last two once the server knows them; null where nothing is at work.
  show(stage) {
    if (stage?.name !== this.stage?.name) this.since = performance.now();
    this.stage = stage;
    clearInterval(this.timer);
    this.busy.hidden = !stage;
    if (!stage) return;
    this.timer = setInterval(() => this.tick(), 200);
    this.tick();
  }

  tick() {
    const { name, model, expected } = this.stage;
    const milliseconds = performance.now() - this.since;
    this.busy.querySelector(".stage").textContent = this.words()["busy." + name].replace("{model}", model);
    this.busy.querySelector(".elapsed").textContent = milliseconds >= 1000 ? Math.floor(milliseconds / 1000) + " s" : "";
    // As long as the one before, as a guess; it slows down rather than claims to be done.
    const share = name === "parse" && expected ? 1 - Math.exp((-2 * milliseconds) / expected) : 0;
    this.busy.style.setProperty("--done", { send: 0.05, open: 0.1, parse: 0.15 + 0.75 * share, receive: 0.95 }[name]);
  }

  // The facts of a result, {width, height, people, model, timings, found, draw}, or the hint of what to do where there is none.
  tell(result) {
    const words = this.words();
    const [who, times] = this.facts.children;
    this.empty.hidden = Boolean(result);
    this.empty.textContent = words["facts.empty"];
    if (!result) return;
    const counted = result.people ? `${result.people} ${words[result.people === 1 ? "facts.person" : "facts.people"]}` : "";
    who.replaceChildren(
      node("strong", result.found ? counted : words["facts.nobody"]),
      ...(result.found ? [] : [node("span", words["facts.advice"])]),
      node("span", result.model),
      node("span", `${result.width} × ${result.height}`),
    );
    const stages = { ...result.timings, draw: result.draw };
    const total = Object.values(stages).reduce((sum, time) => sum + time, 0);
    const entry = (name, time) => node("span", name + " ", node("b", time));
    times.replaceChildren(
      entry(words["facts.time"], Math.round(total) + " ms"),
      ...Object.entries(stages).map(([stage, time]) => entry(words["stage." + stage] ?? stage, String(Math.round(time)))),
    );
  }
}

function node(tag, ...content) {
  const made = document.createElement(tag);
  made.append(...content);
  return made;
}
