// Use without a connection: the service worker that keeps the app is begun, and the page says how far that is.

/** "keeping", "ready", "newer" (another version is there), or why nothing is kept: "full", "tampered", "failed". @typedef {"keeping" | "ready" | "newer" | "full" | "tampered" | "failed"} State */

export class Offline {
  /** @param {(state: State) => void} tell */
  constructor(tell) {
    this.tell = tell;
    /** @type {ServiceWorkerRegistration | null} */
    this.registration = null;
    this.isKept = false; // a version that works; what becomes of a newer one does not matter to it
  }

  /** Keeps the app, where the browser can: over plain HTTP, it cannot. */
  async keep() {
    const { serviceWorker } = navigator;
    if (!serviceWorker || this.registration) return;
    serviceWorker.addEventListener("message", ({ data }) => this.hear(data.offline));
    try {
      const options = /** @type {const} */ ({ updateViaCache: "none" });
      this.registration = await serviceWorker.register(new URL("../service_worker.js", import.meta.url), options);
    } catch {
      return this.hear("failed");
    }
    const { registration } = this;
    if (registration.active) this.hear("ready");
    if (registration.waiting) this.hear("newer");
    this.follow(registration.installing);
    registration.addEventListener("updatefound", () => this.follow(registration.installing));
  }

  /** @param {ServiceWorker | null} worker */
  follow(worker) {
    if (!worker) return;
    this.hear("keeping");
    worker.addEventListener("statechange", () => {
      if (worker.state === "installed" && this.isKept) this.hear("newer");
      if (worker.state === "activated") this.hear("ready");
    });
  }

  /** @param {State} state */
  hear(state) {
    if (this.isKept && state !== "newer" && state !== "ready") return;
    if (state === "ready") this.isKept = true;
    this.tell(state);
  }

  /** The newer version takes over, and the page begins anew. */
  takeOver() {
    const waiting = this.registration?.waiting;
    if (!waiting) return location.reload(); // it has been asked to in another tab
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    waiting.postMessage("take over");
  }
}
