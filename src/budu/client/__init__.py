"""How a program talks to an engine: choose an endpoint, send requests, read streams. Light."""
