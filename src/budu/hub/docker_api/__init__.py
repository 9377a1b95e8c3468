"""Docker Hub's own API, as far as the docker command line and others use it."""
