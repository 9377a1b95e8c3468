"""The operations of `/api/v1`, one module for each part of the site."""
