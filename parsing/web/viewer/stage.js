// The frame in which the picture lies: zoom and pan by wheel, pinch, buttons and keys, the divider between before and after, and the
// light on a part or a person. It knows where the pointer is, not what is there.
const LARGEST_ZOOM = 16;
const DIM = "rgb(0 0 0 / 0.6)";
const WHITE = 0xffffffff;
const DARK = 0xff1a1614;

class Stage {
  constructor(frame, onPoint) {
    this.frame = frame;
    this.canvas = frame.querySelector(".drawing");
    this.light = frame.querySelector(".light");
    this.before = frame.querySelector(".before canvas");
    this.onPoint = onPoint;
    this.pointers = new Map();
    this.home();
    this.listen();
  }

  // Gives the canvases the size of a photo; a new size starts unzoomed.
  resize({ width, height }) {
    this.drawn = null; // what is set in it
    if (this.image?.width === width && this.image.height === height) return;
    for (const canvas of [this.canvas, this.light, this.before]) Object.assign(canvas, { width, height });
    this.image = new ImageData(width, height); // what the drawing shows
    this.frame.style.setProperty("--ratio", width / height);
    this.home();
  }

  // Draws what has changed since the last time.
  draw(parsed, setting) {
    const box = changedBox(parsed, this.drawn, setting);
    compose(parsed, setting, new Uint32Array(this.image.data.buffer), box);
    this.drawn = setting;
    // Kept in main memory, where the pixels are made, and where they stay as they are.
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.putImageData(this.image, 0, 0, box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
  }

  // Puts the photo beside the drawing, for comparison.
  drawBefore({ pixels, width, height }) {
    const image = new ImageData(width, height);
    new Uint32Array(image.data.buffer).set(pixels);
    this.before.getContext("2d").putImageData(image, 0, 0);
  }

  // Lights up the keys of a table, with a line around them; `dim` darkens the rest. Without a table the light goes out.
  shine(parsed, table, dim) {
    this.light.hidden = !table;
    if (!table) return;
    const { keys, width, height, reach } = parsed;
    const context = this.light.getContext("2d");
    context.clearRect(0, 0, width, height);
    context.fillStyle = DIM;
    if (dim) context.fillRect(0, 0, width, height);
    const box = parsed.boxOf(range(0, PERSON - 1).filter((part) => range(0, 255).some((who) => table[part + who * PERSON])), reach);
    if (box.x1 === 0) return;
    const edge = borders(parsed, table, () => 1, box);
    const image = new ImageData(box.x1 - box.x0, box.y1 - box.y0);
    const pixels = new Uint32Array(image.data.buffer);
    const outside = dim ? 0x99000000 : 0;
    for (let y = box.y0, to = 0; y < box.y1; y++) {
      for (let i = y * width + box.x0; i < y * width + box.x1; i++, to++) {
        const inside = table[keys[i]];
        pixels[to] = edge[i] ? (inside ? WHITE : DARK) : inside ? 0 : outside;
      }
    }
    context.putImageData(image, box.x0, box.y0);
  }

  home() {
    this.place(1, 0, 0);
  }

  place(zoom, x, y) {
    const { width, height } = this.canvas.parentElement.getBoundingClientRect();
    const shown = { width: width / (this.zoom ?? 1), height: height / (this.zoom ?? 1) };
    this.zoom = Math.min(Math.max(zoom, 1), LARGEST_ZOOM);
    const limit = (value, size, room) => {
      const most = Math.max(0, (size * this.zoom - room) / 2);
      return Math.min(Math.max(value, -most), most);
    };
    this.x = limit(x, shown.width, this.frame.clientWidth);
    this.y = limit(y, shown.height, this.frame.clientHeight);
    const { style } = this.frame;
    style.setProperty("--zoom", this.zoom);
    style.setProperty("--x", this.x + "px");
    style.setProperty("--y", this.y + "px");
    this.frame.classList.toggle("zoomed", this.zoom > 1);
    const fit = shown.width / this.canvas.width;
    this.frame.classList.toggle("coarse", fit * this.zoom >= 4); // pixels large enough to be seen as such
  }

  // Zooms so that what is at a point of the window stays there.
  zoomBy(factor, { clientX, clientY } = this.middle()) {
    const middle = this.middle();
    const [right, down] = [clientX - middle.clientX, clientY - middle.clientY];
    const zoom = Math.min(Math.max(this.zoom * factor, 1), LARGEST_ZOOM);
    const ratio = zoom / this.zoom;
    this.place(zoom, right - (right - this.x) * ratio, down - (down - this.y) * ratio);
  }

  middle() {
    const box = this.frame.getBoundingClientRect();
    return { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
  }

  // Column and row of the photo's pixel under the pointer, or null outside of it.
  pixelAt({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor(((clientX - box.x) / box.width) * this.canvas.width);
    const y = Math.floor(((clientY - box.y) / box.height) * this.canvas.height);
    return x >= 0 && y >= 0 && x < this.canvas.width && y < this.canvas.height ? { x, y } : null;
  }

  listen() {
    const { frame } = this;
    const onFrame = (type, act, options) => frame.addEventListener(type, act, options);
    onFrame("wheel", (event) => this.wheel(event), { passive: false });
    onFrame("keydown", (event) => event.target === frame && this.key(event));
    onFrame("touchstart", (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
    onFrame("pointerdown", (event) => {
      if (event.target.closest("button, input")) return;
      this.pointers.set(event.pointerId, event);
      if (event.pointerType === "mouse") frame.setPointerCapture(event.pointerId);
    });
    onFrame("pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel"]) onFrame(type, ({ pointerId }) => this.pointers.delete(pointerId));
    onFrame("pointerleave", ({ pointerId }) => {
      this.pointers.delete(pointerId);
      this.onPoint(null);
    });
    frame.querySelector(".split").addEventListener("input", ({ target }) => frame.style.setProperty("--split", target.value / 100));
    frame.querySelector(".zooming").addEventListener("click", ({ target }) => {
      const step = target.closest("button")?.dataset.zoom;
      if (step === "home") this.home();
      else if (step) this.zoomBy(step === "in" ? 1.5 : 1 / 1.5);
    });
    new ResizeObserver(() => this.place(this.zoom, this.x, this.y)).observe(frame);
  }

  wheel(event) {
    if (event.deltaY > 0 && this.zoom === 1) return; // nothing to zoom out of: the page scrolls
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.zoomBy(Math.exp(-event.deltaY * lines * 0.002), event);
  }

  key(event) {
    const step = 60;
    const act = {
      "+": () => this.zoomBy(1.5),
      "=": () => this.zoomBy(1.5),
      "-": () => this.zoomBy(1 / 1.5),
      0: () => this.home(),
      ArrowLeft: () => this.place(this.zoom, this.x + step, this.y),
      ArrowRight: () => this.place(this.zoom, this.x - step, this.y),
      ArrowUp: () => this.place(this.zoom, this.x, this.y + step),
      ArrowDown: () => this.place(this.zoom, this.x, this.y - step),
    }[event.key];
    const pans = event.key.startsWith("Arrow");
    if (!act || event.ctrlKey || event.metaKey || event.altKey || (pans && this.zoom === 1)) return;
    event.preventDefault();
    act();
  }

  move(event) {
    const earlier = this.pointers.get(event.pointerId);
    if (!earlier) return this.onPoint(event.target.closest("button, input") ? null : this.pixelAt(event), event);
    const others = [...this.pointers.values()].filter(({ pointerId }) => pointerId !== event.pointerId);
    if (others.length === 1) {
      const apart = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY);
      const between = (one) => ({ clientX: (one.clientX + others[0].clientX) / 2, clientY: (one.clientY + others[0].clientY) / 2 });
      const [from, to] = [between(earlier), between(event)];
      this.place(this.zoom, this.x + to.clientX - from.clientX, this.y + to.clientY - from.clientY);
      this.zoomBy(apart(event) / Math.max(apart(earlier), 1), to);
    } else if (this.zoom > 1) {
      this.place(this.zoom, this.x + event.clientX - earlier.clientX, this.y + event.clientY - earlier.clientY);
    }
    this.pointers.set(event.pointerId, event);
  }
}
