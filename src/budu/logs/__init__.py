"""What containers wrote: the frame log, its writer in the shim, its readers in the engine."""
