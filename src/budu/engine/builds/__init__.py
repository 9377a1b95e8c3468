"""Builds: Dockerfiles carried out.

service ─┬─ bases       what FROM stands on
         ├─ stages      one stage, instruction by instruction
         │    ├─ commands   RUN, in a container
         │    └─ copies     COPY and ADD
         └─ cache       steps that need not be done again, and their images
"""
