// What happens while a photo is at work, and what was found: the stage and a bar over the picture, the facts below it.
class Progress {
  constructor(root, words) {
    this.busy = root.querySelector(".busy");
    this.facts = root.querySelector("#facts");
    this.empty = root.querySelector(".hint");
    this.words = words;
  }

  // Shows a stage: "name" and, once the server knows them, "model", "number" of "count" people, and "expected", the milliseconds of
  // each stage of the photo before; null where nothing is at work.
  show(stage) {
    const now = performance.now();
    if (!this.stage) this.begun = now;
    if (stage?.name !== this.stage?.name || stage?.number !== this.stage?.number) this.since = now;
    this.stage = stage;
    clearInterval(this.timer);
    this.busy.hidden = !stage;
    if (!stage) return;
    this.timer = setInterval(() => this.tick(), 200);
    this.tick();
  }

  tick() {
    const { name, model, number, count } = this.stage;
    const words = this.words();
    const text = count > 1 ? words["busy.person"] : (words["busy." + name] ?? words["busy.parse"]);
    const seconds = Math.floor((performance.now() - this.begun) / 1000);
    this.busy.querySelector(".stage").textContent = text.replace(/{(model|number|count)}/g, (_, key) => ({ model, number, count })[key]);
    this.busy.querySelector(".elapsed").textContent = seconds ? `· ${seconds} s` : "";
    this.busy.style.setProperty("--done", { send: 0.03, receive: 0.97 }[name] ?? 0.05 + 0.9 * this.share());
  }

  // How much of the parsing is behind: the stages that are, the people that are, and of what is at work a guess, that it takes as
  // long as the time before; the guess slows down rather than claims to be done.
  share() {
    const { name, number = 1, count = 1, expected } = this.stage;
    const stages = Object.entries(expected ?? {});
    const place = stages.findIndex(([stage]) => stage === name);
    const people = Math.max(count, 1);
    if (place === -1) return (number - 1) / people;
    const sum = (entries) => entries.reduce((total, [, time]) => total + time, 0);
    const own = stages[place][1] / people;
    const guess = 1 - Math.exp((-2 * (performance.now() - this.since)) / Math.max(own, 1));
    return (sum(stages.slice(0, place)) + own * (number - 1 + guess)) / sum(stages);
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
