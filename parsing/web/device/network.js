// The two networks, opened by ONNX Runtime for browsers.
import { expandHalves } from "./halves.js";

/** @import { Run, RunGarments } from "./lite.js" */
/** The runtime as a module: for WebAssembly, or for WebGPU too. @typedef {typeof import("./ort.js")} Runtime */
/** The content of files by name. @typedef {Record<string, Uint8Array<ArrayBuffer>>} Contents */

export const RUNTIME = "ort.wasm.packed"; // its WebAssembly, compressed
export const GRAPH = "lite.onnx";
export const WEIGHTS = "lite.weights"; // as the graph calls them
export const GARMENTS = "garments.onnx"; // the second network, as the embedded file is
export const NETWORK_FILES = [RUNTIME, GRAPH, WEIGHTS, GARMENTS];

/**
 * Compiles the runtime and starts its threads, which needs no network yet: it has no other call for that than to open one, so that it
 * is given nothing and says so.
 * @param {Runtime} ort @param {Uint8Array<ArrayBuffer>} packed its WebAssembly @param {number} threads
 */
export async function startRuntime(ort, packed, threads) {
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  Object.assign(ort.env.wasm, { wasmBinary: await new Response(unpacked).arrayBuffer(), numThreads: threads });
  ort.env.logLevel = "fatal";
  await ort.InferenceSession.create(new Uint8Array(1), { executionProviders: ["wasm"] }).catch(() => {});
}

/** @param {Runtime} ort which has started @param {Contents} files @param {"wasm" | "webgpu"} provider @returns {Promise<Run>} */
export async function openNetwork(ort, files, provider) {
  return runOf(ort, await openSession(ort, files[GRAPH], expandHalves(files[WEIGHTS]), provider));
}

/** @param {Runtime} ort which has started @param {Contents} files @returns {Promise<RunGarments>} */
export async function openGarments(ort, files) {
  const session = await ort.InferenceSession.create(files[GARMENTS], {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "disabled", // it takes half a second, and saves a hundredth in each photo
  });
  return async (pixels, width, height, isWhereAsked) => {
    const where = new ort.Tensor("bool", [isWhereAsked], []);
    const { parts, presence } = await session.run({ image: new ort.Tensor("uint8", pixels, [1, height, width, 3]), where });
    return { parts: parts.data, presence: presence.data };
  };
}

/**
 * Opens the network with zeros in the place of its weights, as long as `use` takes: how the runtime opens and computes it, which
 * browsers compile meanwhile, is the same.
 * @param {Runtime} ort which has started @param {Uint8Array<ArrayBuffer>} graph @param {number} weights how many there are
 * @param {(run: Run) => Promise<void>} use
 */
export async function rehearse(ort, graph, weights, use) {
  const session = await openSession(ort, graph, new Float32Array(weights), "wasm");
  await use(runOf(ort, session));
  await session.release();
}

/** @param {Runtime} ort @param {Uint8Array<ArrayBuffer>} graph @param {Float32Array<ArrayBuffer>} weights @param {"wasm" | "webgpu"} provider */
function openSession(ort, graph, weights, provider) {
  return ort.InferenceSession.create(graph, {
    executionProviders: [provider],
    graphOptimizationLevel: "disabled", // it was optimized when it was written
    externalData: [{ path: WEIGHTS, data: new Uint8Array(weights.buffer) }],
  });
}

/** @param {Runtime} ort @param {import("./ort.js").InferenceSession} session @returns {Run} */
function runOf(ort, session) {
  let earlier = Promise.resolve();
  return (pixels, width, height) => {
    const answer = earlier.then(async () => {
      const { parts, heat, offsets, presence } = await session.run({ image: new ort.Tensor("uint8", pixels, [1, height, width, 3]) });
      return { parts: parts.data, heat: heat.data, offsets: offsets.data, presence: presence.data };
    });
    earlier = answer.then(
      () => {},
      () => {},
    ); // a session computes one picture at a time
    return answer;
  };
}
