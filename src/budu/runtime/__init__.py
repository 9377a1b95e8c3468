"""The OCI runtime: plan (pure), steps and launch (system calls), cgroups, seccomp profiles."""
