// The network, opened by ONNX Runtime for browsers.
import { expandHalves } from "./halves.js";

/** @import { Run } from "./lite.js" */
/** The runtime as a module: for WebAssembly, or for WebGPU too. @typedef {typeof import("./ort.js")} Runtime */
/** The content of files by name. @typedef {Record<string, Uint8Array<ArrayBuffer>>} Contents */

export const RUNTIME = "ort.wasm.packed"; // its WebAssembly, compressed
const GRAPH = "lite.onnx";
const WEIGHTS = "lite.weights"; // as the graph calls them
export const NETWORK_FILES = [RUNTIME, GRAPH, WEIGHTS];

/** @param {Runtime} ort @param {Uint8Array<ArrayBuffer>} packed its WebAssembly @param {Contents} files @param {"wasm" | "webgpu"} provider @param {number} threads @returns {Promise<Run>} */
export async function openNetwork(ort, packed, files, provider, threads) {
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  Object.assign(ort.env.wasm, { wasmBinary: await new Response(unpacked).arrayBuffer(), numThreads: threads });
  ort.env.logLevel = "error";
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
