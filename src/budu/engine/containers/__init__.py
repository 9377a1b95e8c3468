"""Containers: their records, life cycle and the service that acts on them."""
