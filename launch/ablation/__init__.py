"""What `launch.ablate` is made of: a grid of runs, who trains which, and what came out."""
