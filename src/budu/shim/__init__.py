"""The small processes between the engine and containers, and the engine's side of them."""
