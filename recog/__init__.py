"""Readers of image sequences, trained at accelerator scale with JAX and Flax."""
