"""Control groups of containers: create, limit, freeze, kill, measure, remove; v1, hybrid and v2."""
