// The network, opened by ONNX Runtime for browsers.
import { expandHalves } from "./halves.js";

/** @import { Run } from "./lite.js" */
/** The runtime as a module: for WebAssembly, or for WebGPU too. @typedef {typeof import("./ort.js")} Runtime */
/** The content of files by name. @typedef {Record<string, Uint8Array<ArrayBuffer>>} Contents */

export const RUNTIME = "ort.wasm.packed"; // its WebAssembly, compressed
const GRAPH = "lite.onnx";
const WEIGHTS = "lite.weights"; // as the graph calls them
export const NETWORK_FILES = [RUNTIME, GRAPH, WEIGHTS];

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
  const session = await ort.InferenceSession.create(files[GRAPH], {
    executionProviders: [provider],
    graphOptimizationLevel: "disabled", // it was optimized when it was written
    externalData: [{ path: WEIGHTS, data: new Uint8Array(expandHalves(files[WEIGHTS]).buffer) }],
  });
  let earlier = Promise.resolve();
  return (pixels, width, height) => {
    const answer = earlier.then(async () => {
      const { parts, heat, offsets } = await session.run({ image: new ort.Tensor("uint8", pixels, [1, height, width, 3]) });
      return { parts: parts.data, heat: heat.data, offsets: offsets.data };
    });
    earlier = answer.then(
      () => {},
      () => {},
    ); // a session computes one picture at a time
    return answer;
  };
}
