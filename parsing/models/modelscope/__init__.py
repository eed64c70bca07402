"""M2FP as ModelScope's own pipeline computes it, in an environment and a process of its own."""
