"""Netlink: the messages, and the two families that the engine speaks, rtnetlink and nf_tables."""
