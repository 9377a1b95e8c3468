"""The engine's objects, made by subject: each room is a record of what it gives and the function
that makes it from the rooms before it. `house` makes them all:

    ground                    folders, database, records, events
    storage                   layers and blobs on disk
    distribution              the way to registries
    images, volumes, networks what containers are made from
    machine                   cgroups, where output goes
    containers                how they are made, started, run and ended
    companions                what is told of every start and end: health, execs, names, logs, …
    tools                     what else may be done with containers that exist
    upkeep                    what the engine does for itself
    system                    what it tells of itself and its host
"""
