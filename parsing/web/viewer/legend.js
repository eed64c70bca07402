// The list of parts: a checkbox in the part's colour, its name, which is a button that leaves only this part, how many people have it,
// and its share. Rows are built once per language and then only updated.
class Legend {
  // `on` holds tick(names), isolate(name) and point(name or null).
  constructor(list, table, groups, on) {
    Object.assign(this, { list, table, groups, on });
    list.addEventListener("change", ({ target }) => this.ticked(target));
    list.addEventListener("click", ({ target }) => {
      const name = target.closest("button.name")?.dataset.part;
      const bulk = target.closest("[data-tick]")?.dataset.tick;
      if (name) on.isolate(name);
      if (bulk) on.tick(bulk === "all" ? this.names() : []);
    });
    const point = ({ target }) => on.point(target.closest("[data-row]")?.dataset.row ?? null);
    list.addEventListener("pointerover", (event) => event.pointerType !== "touch" && point(event));
    list.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && point(event));
    for (const type of ["pointerleave", "focusout"]) list.addEventListener(type, () => on.point(null));
  }

  names() {
    return this.table.filter(({ index }) => index).map(({ name }) => name);
  }

  boxes() {
    return [...this.list.querySelectorAll("input[name]")];
  }

  build(words) {
    this.words = words;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    const row = ({ name, index }) => `<div class="part" data-row="${name}">
      ${index
        ? `<label><input type="checkbox" name="${name}" aria-label="${partName(words, name)}"></label>
           <button type="button" class="name" data-part="${name}" title="${words["parts.only"]}">${partName(words, name)}</button>`
        : `<span class="swatch"></span><span class="name">${partName(words, name)}</span>`}
      <span class="wearers"></span><span class="share"></span></div>`;
    const rows = (group) => this.table.filter((part) => part.group === group).map(row).join("");
    this.list.innerHTML = `<div class="bulk"><h2>${words["parts.title"]}</h2>
      <button type="button" data-tick="all">${words["parts.all"]}</button>
      <button type="button" data-tick="none">${words["parts.none"]}</button></div>
      ${this.groups
        .map((group) => `<fieldset><legend><label class="group"><input type="checkbox" data-group="${group}">
          <span>${words["group." + group]}</span></label></legend>${rows(group)}</fieldset>`)
        .join("")}
      <div class="background">${rows("background")}</div>`;
    if (focused) this.boxes().find((box) => box.getAttribute("aria-label") === focused)?.focus();
  }

  ticked({ dataset, checked }) {
    const member = (name) => dataset.group && this.table.find((part) => part.name === name).group === dataset.group;
    this.on.tick(this.boxes().filter((box) => (member(box.name) ? checked : box.checked)).map((box) => box.name));
  }

  // Which parts are ticked, in which colours.
  showTicks(ticked, colors) {
    for (const { name, index } of this.table) {
      const row = this.row(name);
      row.style.setProperty("--part", `rgb(${colors[index]})`);
      row.style.setProperty("--tick", isLight(colors[index]) ? "black" : "white");
      if (!index) continue;
      row.querySelector("input").checked = ticked.has(name);
      row.querySelector("button").setAttribute("aria-pressed", ticked.size === 1 && ticked.has(name));
    }
    for (const box of this.list.querySelectorAll("[data-group]")) {
      const members = this.table.filter(({ group }) => group === box.dataset.group);
      const count = members.filter(({ name }) => ticked.has(name)).length;
      box.checked = count === members.length;
      box.indeterminate = count > 0 && count < members.length;
    }
  }

  // Pixels of each class of those chosen and of everybody, and how many people have each.
  showAreas(counts, all, wearers, people) {
    const person = counts.slice(1).reduce((sum, count) => sum + count, 0);
    const photo = all.reduce((sum, count) => sum + count, 0);
    for (const { name, index } of this.table) {
      const row = this.row(name);
      const share = index ? counts[index] / Math.max(person, 1) : all[0] / photo;
      const text = share === 0 ? "–" : share < 0.001 ? "<0.1%" : (share * 100).toFixed(1) + "%";
      row.querySelector(".share").textContent = text;
      row.classList.toggle("missing", share === 0);
      const several = index && people > 1 && wearers[index] > 0;
      const count = this.words["parts.wearers"].replace("{count}", wearers[index]);
      row.querySelector(".wearers").textContent = several ? wearers[index] : "";
      row.querySelector(".wearers").title = several ? count : "";
      row.querySelector("input")?.setAttribute("aria-description", several ? `${text}, ${count}` : text);
    }
  }

  // Marks the row of what the pointer is on in the photo.
  mark(name) {
    this.list.querySelector(".part.lit")?.classList.remove("lit");
    if (name) this.row(name).classList.add("lit");
  }

  row(name) {
    return this.list.querySelector(`[data-row="${name}"]`);
  }
}

// What a part is called in the page's language; a model's own class has only the name that its configuration gives it.
function partName(words, name) {
  return words["part." + name] ?? name;
}

// Whether black stands out more than white on a colour; luminance as in WCAG 2.
function isLight(color) {
  const [red, green, blue] = color.map((channel) => ((channel / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
}
