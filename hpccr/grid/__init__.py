"""Axes, their metrics, and the mesh that MPI ranks share."""
