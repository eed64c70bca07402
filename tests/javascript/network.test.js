// The network before its weights are here; tests/browser opens it with ONNX Runtime.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rehearse } from "../../parsing/web/device/network.js";

/** @import { Runtime } from "../../parsing/web/device/network.js" */

test("a rehearsal runs the graph with zeros for weights, and gives their memory back", async () => {
  /** @type {unknown[]} */
  const said = [];
  const plane = { data: Float32Array.of(1) };
  const session = {
    run: async () => ({ parts: plane, heat: plane, offsets: plane, presence: plane }),
    release: async () => void said.push("released"),
  };
  const graph = Uint8Array.of(1, 2, 3);
  const ort = /** @type {Runtime} */ (
    /** @type {unknown} */ ({
      Tensor: class {},
      InferenceSession: {
        /** @param {Uint8Array} opened @param {{ externalData: { path: string, data: Uint8Array }[] }} options */
        create: async (opened, { externalData: [{ path, data }] }) => {
          said.push(opened === graph, path, data.length, data.every((byte) => byte === 0));
          return session;
        },
      },
    })
  );
  await rehearse(ort, graph, 5, async (run) => void said.push((await run(new Uint8Array(3), 1, 1)).heat[0]));
  assert.deepEqual(said, [true, "lite.weights", 20, true, 1, "released"]);
});
