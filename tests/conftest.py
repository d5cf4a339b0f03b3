"""What all tests need."""

from absl import flags

flags.FLAGS(["test"])  # grain hands its flags to worker processes, and they have to be parsed for that
