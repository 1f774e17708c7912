"""What is tested: ours, what others have, and ours with one of its safeguards taken out."""

from importlib import import_module
from types import ModuleType

#: By the name that the command line knows, the module.
SUBJECTS = {
    "ours": "ours",
    "ours_untiered": "ours",
    "ours_in_database": "ours",
    "views": "views",
    "protocol": "protocol",
    "none": "none",
    "cache_page": "cache_page",
    "cache_page_on_commit": "cache_page",
    "cachalot": "cachalot",
    "cacheops": "cacheops",
    "cacheops_insideout": "cacheops",
}


def subject(name: str) -> ModuleType:
    return import_module(f".{SUBJECTS[name]}", __name__)
