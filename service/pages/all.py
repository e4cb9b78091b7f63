"""Every module of pages that brings a blueprint, by name."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from service import pages

PAGES: tuple[ModuleType, ...] = tuple(
    module
    for found in iter_modules(pages.__path__)
    # This one is being read just now.
    if found.name != "all" and hasattr(module := import_module(f"{pages.__name__}.{found.name}"), "blueprint")
)
