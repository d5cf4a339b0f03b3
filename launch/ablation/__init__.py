"""Library of `launch.ablate`: a grid of runs, the processes that train it, and its results."""
