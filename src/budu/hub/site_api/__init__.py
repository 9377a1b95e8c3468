"""What the hub's site asks: `/api/v1`; see docs/reference/hub-api.md."""
