// The model menu: what the server says about M2FP goes into the component's value, and its template shows it.
import { targetOf } from "../viewer/dom.js";
import { linked, preference, remember } from "../viewer/preferences.js";

/** @import { DeviceState } from "../device/page.js" */
/** @import { Connection } from "./connection.js" */
/**
 * What Gradio hands to the menu's script.
 * @typedef {{
 *   element: HTMLElement,
 *   props: { value: { choice: string, phase: string, faster: boolean, device: DeviceState } },
 *   server: { model_state: (start: boolean) => Promise<object> },
 *   trigger: (event: string) => void,
 * }} Component
 */

const EVERY_MS = 1000;
const CHOICES = ["auto", "lite", "m2fp", "device"];

export class ModelMenu {
  /** @param {Component} component @param {() => Promise<Connection>} connection gives that of the viewer, which may be drawn later */
  constructor({ element, props, server, trigger }, connection) {
    this.props = props;
    this.server = server;
    this.trigger = trigger;
    this.connection = connection;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {(() => void) | null} */
    this.endDevice = null;
    element.addEventListener("change", (event) => this.choose(/** @type {HTMLInputElement} */ (event.target)));
    element.addEventListener("click", (event) => targetOf(event).closest("button") && this.ask(true));
    const wanted = preference("model") === "device" ? "device" : (linked("model") ?? "");
    if (CHOICES.includes(wanted) && wanted !== props.value.choice) this.take(wanted);
    else this.ask(false);
  }

  /** Asks how far M2FP is, and again while it is loading. @param {boolean} start whether it shall be fetched */
  async ask(start) {
    clearTimeout(this.timer);
    const { props } = this;
    const earlier = props.value.phase;
    try {
      const state = await this.server.model_state(start);
      props.value = { ...props.value, ...state };
    } catch {
      // The server may be back when it is asked again.
    }
    const { phase, choice } = props.value;
    if (phase === "loading") this.timer = setTimeout(() => this.ask(false), EVERY_MS);
    if (phase === "ready" && earlier !== "ready" && choice === "m2fp") this.trigger("input"); // the photo on show waits for it
  }

  /** @param {HTMLInputElement} control */
  choose({ name, checked, value }) {
    if (name !== "faster") {
      remember("model", value === "device" ? value : null);
      return this.take(value);
    }
    this.props.value = { ...this.props.value, faster: checked };
    this.trigger("input");
  }

  /** Another model is chosen. @param {string} wanted */
  take(wanted) {
    const { props } = this;
    const { choice } = props.value;
    props.value = { ...props.value, choice: wanted };
    if ([choice, props.value.choice].includes("device")) this.useDevice(props.value.choice === "device");
    if (props.value.choice === "device") return;
    this.trigger("input");
    this.ask(props.value.choice !== "lite");
  }

  /** What parses photos on the device is fetched when it is chosen, and let go when something else is. @param {boolean} chosen */
  async useDevice(chosen) {
    document.documentElement.toggleAttribute("data-device", chosen); // from now on, the page sends no photo
    this.endDevice?.();
    this.endDevice = null;
    if (!chosen) return (await this.connection()).useDevice(null); // no photo waits for it any more
    let percent = -1;
    /** @param {DeviceState} device */
    const tell = (device) => {
      const now = Math.floor((100 * (device.here ?? 0)) / (device.total ?? 1));
      if (device.phase !== "loading" || now !== percent) this.props.value = { ...this.props.value, device }; // the menu is drawn again
      percent = now;
    };
    tell({ phase: "starting" });
    try {
      const [{ start }, connection] = await Promise.all([import("../device/page.js"), this.connection()]);
      if (this.props.value.choice === "device" && !this.endDevice) this.endDevice = start(connection, tell);
    } catch {
      tell({ phase: "failed" });
      (await this.connection()).deviceFailed();
    }
  }
}
