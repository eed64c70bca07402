// What is set: ticked parts, opacity, palette and view also live in the address, after the #, so that a link restores them. The
// person does not: it belongs to one photo.
const VIEWS = ["overlay", "map", "cutout", "outlines", "compare"];

class Settings {
  constructor(names, palettes) {
    Object.assign(this, { names, palettes, person: 0 });
    this.read(location.hash);
  }

  // Takes what the address says; what it does not say, or says wrong, is as usual.
  read(hash) {
    const said = new URLSearchParams(hash.slice(1));
    const named = said.get("parts")?.split(",");
    const opacity = said.has("opacity") ? Number(said.get("opacity")) : NaN;
    this.ticked = new Set(this.names.filter((name) => named?.includes(name) ?? true));
    this.opacity = opacity >= 0 && opacity <= 1 ? opacity : 0.6;
    this.palette = Object.hasOwn(this.palettes, said.get("palette") ?? "") ? said.get("palette") : "lip";
    this.view = VIEWS.includes(said.get("view")) ? said.get("view") : "overlay";
    this.before = null;
  }

  write() {
    const said = [];
    if (this.ticked.size < this.names.length) said.push("parts=" + [...this.ticked].join(","));
    if (this.opacity !== 0.6) said.push("opacity=" + this.opacity);
    if (this.palette !== "lip") said.push("palette=" + this.palette);
    if (this.view !== "overlay") said.push("view=" + this.view);
    const address = location.pathname + location.search + (said.length ? "#" + said.join("&") : "");
    history.replaceState(history.state, "", address);
  }

  // The classes have other names from now on.
  rename(before, after) {
    const ticked = (index) => !before[index] || this.ticked.has(before[index].name);
    this.names = after.filter(({ index }) => index).map(({ name }) => name);
    this.ticked = new Set(after.filter(({ index }) => index && ticked(index)).map(({ name }) => name));
    this.before = null;
  }

  tick(names) {
    this.ticked = new Set(this.names.filter((name) => names.includes(name)));
    this.before = null;
  }

  // Leaves one part; a second time brings back what was ticked before, or everything.
  isolate(name) {
    const alone = this.ticked.size === 1 && this.ticked.has(name);
    const before = alone ? (this.before ?? new Set(this.names)) : (this.before ?? this.ticked);
    this.ticked = alone ? before : new Set([name]);
    this.before = alone ? null : before;
  }

  get colors() {
    return this.palettes[this.palette];
  }

  // As `compose` takes them; `table` is that of the classes.
  drawing(table) {
    const parts = table.filter(({ name }) => this.ticked.has(name)).map(({ index }) => index);
    const view = this.view === "compare" ? "overlay" : this.view;
    return { parts, person: this.person, view, opacity: this.opacity, colors: this.colors };
  }
}
