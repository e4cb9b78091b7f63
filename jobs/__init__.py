"""RQ jobs: process the inbox, reconcile, keep the house. Never Flask."""
