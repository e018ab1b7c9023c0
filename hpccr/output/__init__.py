"""What a run leaves behind: snapshots, history, checkpoints, the run directory, and the progress shown."""
