"""One module per command or group; each holds the records that `cli.index` names."""
