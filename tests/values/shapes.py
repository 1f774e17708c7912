"""Classes whose instances are stored by the tests. They have to be found by their names."""

from dataclasses import InitVar, dataclass, field
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum, auto
from functools import cached_property
from typing import Any


@dataclass
class Point:
    x: int
    y: Any = 0
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    points: tuple[Point, ...] = ()


@dataclass
class Careful:
    """Says when its code runs."""

    x: int
    given: InitVar[int] = 0
    made: list[str] = field(default_factory=list)

    def __post_init__(self, given: int) -> None:
        self.made.append("init")

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if "made" in vars(self):
            self.made.append(name)


@dataclass
class Circle:
    radius: float

    @cached_property
    def area(self) -> float:
        return 3 * self.radius**2

    class Colour(Enum):
        RED = "red"


@dataclass
class Own:
    """Has its own way to be pickled."""

    x: int

    def __reduce__(self) -> tuple[Any, ...]:
        return Own, (self.x + 1,)


class Child(Point):
    """No dataclass itself, so it may hold anything."""


class Plain:
    def __init__(self, data: object) -> None:
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and other.data == self.data

    __hash__ = None  # type: ignore[assignment]


class Colour(Enum):
    RED = 1
    CRIMSON = 1  # noqa: PIE796 - an alias
    GREEN = "green"


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    ONE = "one"


class Access(Flag):
    READ = auto()
    WRITE = auto()
    ALL = READ | WRITE


class Bits(IntFlag):
    A = 1
    B = 2


class Explosive:
    """Does something when it is unpickled."""

    exploded = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return explode, ()


def explode() -> None:
    Explosive.exploded += 1
