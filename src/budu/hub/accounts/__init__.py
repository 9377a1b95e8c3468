"""Accounts of the hub: people, organizations, teams; how they prove who they are; what they did."""
