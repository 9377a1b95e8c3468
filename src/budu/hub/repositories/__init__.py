"""Repositories of the hub: settings, tags, stars, search, retention, quotas, webhooks."""
