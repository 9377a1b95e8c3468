"""The command line: Docker's words and flags, with hints in English and Korean. Light."""
