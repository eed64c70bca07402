// What `service_worker.js` uses of a service worker's surroundings; TypeScript knows either those or a page's.
export interface Said {
  offline: "full" | "tampered" | "failed";
}

export interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}

export interface Fetching extends Extendable {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}

export interface WorkerScope {
  SITE: { version: string; files: Record<string, string> };
  registration: { scope: string };
  clients: {
    claim(): Promise<void>;
    matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<{ url: string; postMessage(said: Said): void }[]>;
  };
  importScripts(name: string): void;
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate" | "message" | "fetch", act: (event: Event) => void): void;
}
