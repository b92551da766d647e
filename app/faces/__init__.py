"""From a seed to pixels: latents, the generator, and the engine that batches requests for it."""
