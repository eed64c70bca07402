"""M2FP: network, kernels, weights, decoding, export."""
