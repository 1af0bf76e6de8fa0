"""Training: one loop, three stages that differ in modules, batches, losses and validation."""
