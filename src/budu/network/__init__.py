"""Networks of containers: bridge, addresses, firewall, published ports and the network files."""
