"""Linux system calls under their kernel names, without opinion. Standard library only."""
