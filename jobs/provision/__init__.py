"""Provisioning: read a site, compare it with a provision file, and bring it there."""
