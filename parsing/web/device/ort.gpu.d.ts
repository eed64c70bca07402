// The runtime that computes by WebGPU too, which is served as ort.gpu.js.
export * from "./ort.js";
