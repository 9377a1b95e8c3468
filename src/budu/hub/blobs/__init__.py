"""Where the hub keeps blobs: one contract, a folder or an S3 bucket behind it."""
