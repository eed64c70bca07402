// What `worker.js` uses of ONNX Runtime for browsers, which is served as ort.js.
export const env: {
  logLevel: string;
  wasm: { wasmBinary?: ArrayBuffer; numThreads?: number };
};

export class Tensor {
  constructor(type: "uint8", data: Uint8Array, dims: number[]);
  constructor(type: "bool", data: boolean[], dims: number[]);
}

/** `externalData`: what the graph refers to, by the name of its file. */
export type SessionOptions = {
  executionProviders: string[];
  graphOptimizationLevel?: "disabled";
  externalData?: { path: string; data: Uint8Array }[];
};

export class InferenceSession {
  static create(graph: Uint8Array, options: SessionOptions): Promise<InferenceSession>;
  run(feeds: Record<string, Tensor>): Promise<Record<string, { data: Float32Array }>>;
  release(): Promise<void>;
}
