"""Measurements that anyone can repeat: each against named references in the same run, compared by ratio."""
