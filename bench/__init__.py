"""Measures budu beside Docker and Podman on one machine; `python -m bench`, see `bench/README.md`.

Reading order: `room` (isolation), `peers` (how each engine is started), `cases` (what is
measured), `measure` (in which order, how often), `report` (the table).
"""
