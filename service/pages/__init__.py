"""The pages that people read; one blueprint a file. Who may see which is decided in service/access.py."""
