// Zoom and pan of the picture in its frame, by wheel, pinch, buttons and keys. The frame's style gets --zoom, --x and --y.
import { targetOf } from "./dom.js";

/** A point of the window. @typedef {{ clientX: number, clientY: number }} Point */

const LARGEST_ZOOM = 16;
const STEP = 1.5;
const STILL = 4; // pixels of the window by which a click may move
const PAN_STEP = 60; // pixels of the window

export class Zoom {
  /**
   * @param {HTMLElement} frame
   * @param {HTMLCanvasElement} canvas the picture; its parent is what moves
   * @param {{ point: (event: PointerEvent | null) => void, click: (event: PointerEvent) => void, move: () => void }} on told where the
   *   pointer is while nothing is dragged (null: outside), of clicks, and that the picture lies elsewhere
   */
  constructor(frame, canvas, on) {
    this.frame = frame;
    this.canvas = canvas;
    this.on = on;
    this.dragged = false; // whether the pointer has moved since it went down
    /** @type {Map<number, PointerEvent>} */
    this.pointers = new Map();
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
    this.listen();
  }

  home() {
    this.place(1, 0, 0);
  }

  /** @param {number} zoom @param {number} x @param {number} y pixels by which the picture's middle is away from the frame's */
  place(zoom, x, y) {
    const sheet = /** @type {HTMLElement} */ (this.canvas.parentElement).getBoundingClientRect();
    const [width, height] = [sheet.width / this.zoom, sheet.height / this.zoom];
    this.zoom = Math.min(Math.max(zoom, 1), LARGEST_ZOOM);
    /** @param {number} value @param {number} size @param {number} room */
    const limit = (value, size, room) => {
      const most = Math.max(0, (size * this.zoom - room) / 2);
      return Math.min(Math.max(value, -most), most);
    };
    this.x = limit(x, width, this.frame.clientWidth);
    this.y = limit(y, height, this.frame.clientHeight);
    const { style } = this.frame;
    style.setProperty("--zoom", String(this.zoom));
    style.setProperty("--x", this.x + "px");
    style.setProperty("--y", this.y + "px");
    this.frame.classList.toggle("zoomed", this.zoom > 1);
    this.frame.classList.toggle("coarse", (width / this.canvas.width) * this.zoom >= 4); // pixels large enough to be seen
    this.on.move();
  }

  /** Zooms so that what is at a point of the window stays there. @param {number} factor @param {Point} point */
  zoomBy(factor, { clientX, clientY } = this.middle()) {
    const middle = this.middle();
    const [right, down] = [clientX - middle.clientX, clientY - middle.clientY];
    const zoom = Math.min(Math.max(this.zoom * factor, 1), LARGEST_ZOOM);
    const ratio = zoom / this.zoom;
    this.place(zoom, right - (right - this.x) * ratio, down - (down - this.y) * ratio);
  }

  /** @returns {Point} */
  middle() {
    const box = this.frame.getBoundingClientRect();
    return { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
  }

  listen() {
    const { frame } = this;
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    frame.addEventListener("keydown", (event) => event.target === frame && this.key(event));
    frame.addEventListener("touchstart", (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
    frame.addEventListener("pointerdown", (event) => {
      if (targetOf(event).closest("button, input")) return;
      this.pointers.set(event.pointerId, event);
      this.dragged = this.pointers.size > 1;
      if (event.pointerType === "mouse") frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("pointermove", (event) => this.move(event));
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
      frame.addEventListener(type, ({ pointerId }) => this.pointers.delete(pointerId));
    }
    frame.addEventListener("pointerleave", ({ pointerId }) => {
      this.pointers.delete(pointerId);
      this.on.point(null);
    });
    frame.addEventListener("click", (event) => {
      const step = /** @type {HTMLElement | null} */ (targetOf(event).closest("[data-zoom]"))?.dataset.zoom;
      if (step === "home") this.home();
      else if (step) this.zoomBy(step === "in" ? STEP : 1 / STEP);
      else if (!this.dragged && !targetOf(event).closest("button, input")) this.on.click(/** @type {PointerEvent} */ (event));
    });
    new ResizeObserver(() => this.place(this.zoom, this.x, this.y)).observe(frame);
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (event.deltaY > 0 && this.zoom === 1) return; // nothing to zoom out of: the page scrolls
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.zoomBy(Math.exp(-event.deltaY * lines * 0.002), event);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    /** @type {Record<string, () => void>} */
    const acts = {
      "+": () => this.zoomBy(STEP),
      "=": () => this.zoomBy(STEP),
      "-": () => this.zoomBy(1 / STEP),
      0: () => this.home(),
      ArrowLeft: () => this.place(this.zoom, this.x + PAN_STEP, this.y),
      ArrowRight: () => this.place(this.zoom, this.x - PAN_STEP, this.y),
      ArrowUp: () => this.place(this.zoom, this.x, this.y + PAN_STEP),
      ArrowDown: () => this.place(this.zoom, this.x, this.y - PAN_STEP),
    };
    const pans = event.key.startsWith("Arrow");
    if (!Object.hasOwn(acts, event.key) || event.ctrlKey || event.metaKey || event.altKey || (pans && this.zoom === 1)) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** @param {PointerEvent} event */
  move(event) {
    const earlier = this.pointers.get(event.pointerId);
    if (!earlier) return this.on.point(event);
    if (Math.hypot(event.clientX - earlier.clientX, event.clientY - earlier.clientY) > STILL) this.dragged = true;
    if (!this.dragged) return;
    const others = [...this.pointers.values()].filter(({ pointerId }) => pointerId !== event.pointerId);
    if (others.length === 1) {
      const [other] = others;
      /** @param {Point} one */
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      /** @param {Point} one */
      const between = (one) => ({ clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 });
      const [from, to] = [between(earlier), between(event)];
      this.place(this.zoom, this.x + to.clientX - from.clientX, this.y + to.clientY - from.clientY);
      this.zoomBy(apart(event) / Math.max(apart(earlier), 1), to);
    } else if (this.zoom > 1) {
      this.place(this.zoom, this.x + event.clientX - earlier.clientX, this.y + event.clientY - earlier.clientY);
    }
    this.pointers.set(event.pointerId, event);
  }
}
