// What `worker.js` uses of ONNX Runtime for browsers, which is served as ort.js.
export const env: {
  logLevel: string;
  wasm: { wasmBinary?: ArrayBuffer; numThreads?: number };
};

export class Tensor {
  constructor(type: "uint8", data: Uint8Array, dims: number[]);
}

export class InferenceSession {
  static create(model: Uint8Array, options: { executionProviders: string[] }): Promise<InferenceSession>;
  run(feeds: Record<string, Tensor>): Promise<Record<string, { data: Float32Array }>>;
}
