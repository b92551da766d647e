"""The face generator: its GAN, its training data, its training and its metrics."""
