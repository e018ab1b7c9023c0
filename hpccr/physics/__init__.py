"""Pure laws on arrays: no grid, no MPI, no files. CGS-Gaussian floats and numpy arrays in and out."""
