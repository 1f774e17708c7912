"""What the watch holds while a request makes very many objects, and after it."""

import gc
import tracemalloc

from holdfast.scope.scope import Scope
from tests.watch.project import within

ROWS = """
    class Row:
        def __init__(self, number):
            self.a = number
            self.b = number
            self.c = number
    def imported(count):
        return [Row(number) for number in range(count)]
"""
COUNT = 3_000


def held_by(work) -> float:
    """Bytes for each of the objects."""
    gc.collect()
    tracemalloc.start()
    try:
        kept = work()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept) == COUNT
    return held / COUNT


def test_an_object_with_three_attributes_costs_little(project):
    module = project.load(ROWS)
    scope = Scope(object(), "POST /import/")
    watched = held_by(lambda: within(scope, module.imported, COUNT))
    scope.close()
    assert watched < 2_500


def test_objects_that_are_gone_are_forgotten(project):
    module = project.load(ROWS)
    scope = Scope(object(), "POST /import/")
    within(scope, module.imported, COUNT)
    scope.close()
    gc.collect()
    assert not project.watch.shadow.cells
