// Runs once when the viewer is drawn: puts the parts above together. Messages from the server come as the value; each carries the
// number of the photo that it answers, and one that answers an earlier photo than the newest is dropped.
const root = element.querySelector(".viewer");
const find = (selector) => root.querySelector(selector);
const page = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

let words = {};
let serial = 0;
let filmed = 0; // the number under which the camera's frames go
let parsed = null; // what is on show
let result = null; // and the facts about it
let compared = false; // whether the photo lies beside it for comparison
let pointed = {}; // {part} in the list, {key} in the photo, {person} among the people
let lit = ""; // what the light shows
let idle = Promise.resolve(); // until nothing is at work
let becomeIdle = () => {};

const stage = new Stage(find("#picture"), pointAtPhoto);
const legend = new Legend(find("#parts"), props.table, props.groups, {
  tick: (names) => change(() => settings.tick(names)),
  isolate: (name) => change(() => settings.isolate(name)),
  point: (name) => point(name === null ? {} : { part: legend.table.find((part) => part.name === name).index }),
});
const settings = new Settings(legend.names(), props.palettes);
const progress = new Progress(root, () => words);
const live = new Live(root, (frame) => (staysHere() ? parseFrameHere(frame) : askServer(frame)), showFrame, liveFailed);
const askServer = (frame) => server.parse_frame({ ticket: ticket(), jpeg: frame.address() });

const ticket = () => `${page} ${serial} ${words.language}`;

// A new photo: whatever is at work is of no more use. Gives the ticket that travels with it; without one, the server does nothing.
function begin() {
  if (staysHere()) return "";
  stopLive();
  serial++;
  work({ name: "send" });
  server.begin_photo(ticket()).catch(() => {}); // only so that the server may stop earlier
  return ticket();
}

// Another model for the photo on show, once that is there.
async function beginAgain() {
  await idle;
  return parsed && !result.save ? begin() : "";
}

function work(now) {
  if (now && !progress.stage) idle = new Promise((done) => (becomeIdle = done));
  progress.show(now);
  if (!now) becomeIdle();
}

// The list shows the classes of the model that parsed the photo; what is ticked stays ticked, under its new name.
function useClasses(table) {
  if (JSON.stringify(table) === JSON.stringify(legend.table)) return;
  settings.rename(legend.table, table);
  legend.table = table;
  legend.build(words);
  showSettings();
}

async function receive(message) {
  if (message?.serial !== serial) return;
  if (message.failed) return work(null);
  if (message.stage) return work(message.stage);
  work({ name: "receive" });
  const { width, height } = message;
  const [pixels, maps] = await Promise.all([decodePhoto(message.photo, width, height), inflate(message.maps)]);
  if (message.serial !== serial) return;
  props.value = null; // megabytes that nobody needs any more
  settings.person = 0;
  show(message, new Parsed(width, height, pixels, maps));
  work(null);
}

async function showFrame(message, pixels) {
  const maps = message.save ? null : await inflate(message.maps);
  if (filmed !== serial) return; // a photo has been chosen since
  if (message.save) showFound(message, pixels);
  else show(message, new Parsed(message.width, message.height, pixels, maps));
}

function show({ width, height, people, model, timings, classes, save }, now) {
  parsed = now;
  useClasses(classes);
  stage.resize(parsed);
  if (settings.person > people) settings.person = 0;
  const found = parsed.counts.some((count, key) => count && key % PERSON);
  if (people !== result?.people) listPeople(people);
  result = { width, height, people, model, timings, found, save };
  compared = false;
  root.classList.add("filled");
  for (const button of root.querySelectorAll("[data-save]")) button.disabled = false;
  pointed = pointed.key === undefined ? pointed : {};
  lit = "";
  find(".nobody").hidden = found;
  showAreas();
  draw();
  progress.tell(result);
}

function draw() {
  if (!parsed) return;
  const start = performance.now();
  stage.draw(parsed, settings.drawing(legend.table));
  result.draw = performance.now() - start;
  if (settings.view === "compare" && !compared) {
    stage.drawBefore(parsed);
    compared = true;
  }
  light();
}

function showAreas() {
  if (!parsed) return;
  const all = parsed.classCounts(0);
  const own = settings.person ? parsed.classCounts(settings.person) : all;
  legend.showAreas(own, all, parsed.wearers(result.people), result.people);
}

// Something is set: controls, address and picture follow at once. A browser gives no more than one input event of a slider a frame.
function change(set) {
  set();
  settings.write();
  showSettings();
  draw();
}

function showSettings() {
  find(`#views [value=${settings.view}]`).checked = true;
  find(`#people [value="${settings.person}"]`).checked = true;
  find("#palette-choice").value = settings.palette;
  find("#opacity-range").value = settings.opacity;
  find("#opacity output").value = Math.round(settings.opacity * 100) + "%";
  find("#opacity-range").disabled = !["overlay", "compare"].includes(settings.view); // the others do not use it
  root.dataset.view = settings.view;
  legend.showTicks(settings.ticked, settings.colors);
}

function listPeople(people) {
  const chip = (number) => `<label><input type="radio" name="person" value="${number}">
    <span>${number ? `<span class="unseen">${words["people.one"]} </span>${number}` : words["people.all"]}</span></label>`;
  for (const old of find("#people").querySelectorAll("label")) old.remove();
  find("#people").insertAdjacentHTML("beforeend", range(0, people).map(chip).join(""));
  find(`#people [value="${settings.person}"]`).checked = true;
}

function choosePerson(number) {
  change(() => (settings.person = number));
  showAreas();
}

function point(now) {
  pointed = now;
  light();
}

function pointAtPhoto(pixel, event) {
  const key = pixel && parsed ? parsed.keys[pixel.y * parsed.width + pixel.x] : 0;
  const part = legend.table[key % PERSON];
  const tip = find(".tip");
  tip.hidden = !part.index;
  if (part.index) {
    const person = key >> 5 && result.people > 1 ? `${words["people.one"]} ${key >> 5}` : "";
    tip.textContent = [partName(words, part.name), person].filter(Boolean).join(" · ");
    const box = stage.frame.getBoundingClientRect();
    tip.style.translate = `${event.clientX - box.x}px ${event.clientY - box.y}px`;
    tip.classList.toggle("left", event.clientX > box.x + box.width / 2);
  }
  legend.mark(part.index ? part.name : null);
  if (part.index || pointed.key !== undefined) point(part.index ? { key } : {});
}

// Lights what is pointed at, else the chosen person. What a list points at stands out from the rest, which is darkened.
function light() {
  const person = pointed.person ?? settings.person;
  const wanted = JSON.stringify([pointed, person]);
  if (!parsed || wanted === lit) return;
  lit = wanted;
  if (pointed.part !== undefined) stage.shine(parsed, chooseKeys([pointed.part], pointed.part && settings.person), true);
  else if (pointed.key !== undefined) stage.shine(parsed, chooseKeys([pointed.key & 31], pointed.key >> 5), false);
  else if (person) stage.shine(parsed, chooseKeys(range(1, PERSON - 1), person), pointed.person !== undefined);
  else stage.shine(parsed, null);
}

function toggleLive() {
  if (live.on) return stopLive();
  filmed = ++serial;
  work(null);
  find(".camera").setAttribute("aria-pressed", "true");
  live.start();
}

function stopLive() {
  live.stop();
  find(".camera").setAttribute("aria-pressed", "false");
}

function liveFailed(reason) {
  stopLive();
  say(staysHere() && reason === "live.failed" ? "device.broke" : reason);
}

function say(key) {
  find(".said").textContent = words[key];
  setTimeout(() => (find(".said").textContent = ""), 4000);
}

async function save(form) {
  if (live.on) stopLive(); // all files are of one frame
  await live.ended;
  if (form === "picture") return savePicture(stage.canvas, settings.view);
  if (result.save) return saveHere(form);
  const { ticked, person, palette } = settings;
  const file = await server
    .save_file({ ticket: ticket(), form, parts: [...ticked], person: person || null, palette })
    .catch(() => null);
  if (file) saveContent(file);
  else say("save.gone");
}

function translate() {
  words = Object.fromEntries(props.label.split("|").map((pair) => pair.split("=")));
  document.documentElement.lang = words.language; // for screen readers and the choice of Han glyphs
  for (const part of root.querySelectorAll("[data-text]")) part.textContent = words[part.dataset.text];
  for (const part of root.querySelectorAll("[data-label]")) {
    part.setAttribute("aria-label", words[part.dataset.label]);
    if (part.matches("button")) part.title = words[part.dataset.label];
  }
  const option = (name) => new Option(words["palette." + name], name);
  find("#palette-choice").replaceChildren(...Object.keys(props.palettes).map(option));
  legend.build(words);
  listPeople(result?.people ?? 0);
  showSettings();
  progress.tell(result);
  if (progress.stage) progress.tick();
  showAreas();
}

root.addEventListener("input", ({ target }) => {
  if (target.name === "view") change(() => (settings.view = target.value));
  if (target.name === "person") choosePerson(Number(target.value));
  if (target.id === "palette-choice") change(() => (settings.palette = target.value));
  if (target.id === "opacity-range") change(() => (settings.opacity = Number(target.value)));
});
root.addEventListener("click", async ({ target }) => {
  const form = target.closest("[data-save]")?.dataset.save;
  if (form) save(form);
  if (target.closest(".camera")) toggleLive();
  if (target.closest(".link") && (await copyLink(words))) say("link.copied");
});
const overPerson = ({ target }) => {
  const box = target.closest("label")?.querySelector("input");
  point(box && box.value !== "0" ? { person: Number(box.value) } : {});
};
find("#people").addEventListener("pointerover", (event) => event.pointerType !== "touch" && overPerson(event));
find("#people").addEventListener("pointerleave", () => point({}));
addEventListener("hashchange", () => change(() => settings.read(location.hash)));
watch("value", () => receive(props.value));
watch("label", translate);
translate();
window.parsingViewer = { begin, beginAgain, fail: () => work(null), useDevice, openHere };
