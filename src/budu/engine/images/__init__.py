"""Images: which exist under which names, pulling them and taking them away."""
