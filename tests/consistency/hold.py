"""A writer's hold on the slots that it is going to change.

It goes with the writer, when all that its connection was told to do is done or never will be (see
databases.py).
"""

from collections.abc import Callable, Iterable

from tests.consistency import slots
from tests.consistency.databases import asked
from tests.consistency.ledger import ABSENT, PRESENT, Ledger, number_of, says, word_of


class Busy(Exception):  # noqa: N818 - nothing is wrong
    """Somebody else is changing one of the slots, or nothing is there to be changed."""


class Hold:
    """Slots that only this writer changes until it lets them go."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._held: list[int] = []
        self.doomed = False
        #: Each statement is a transaction: that one is committed says nothing of the next.
        self.by_statement = False
        self.written: dict[int, int] = {}

    def claim(self, *wanted: int) -> None:
        """Have these to oneself, and know what they say.

        Raises:
            Busy: somebody else has one of them.
        """
        wanted = tuple(slot for slot in wanted if slot not in self._held)
        got = asked().lock(wanted)
        self._held += got
        if not got.issuperset(wanted):
            raise Busy
        for slot, word in self.truth(wanted).items():
            self._ledger.settle(slot, word)

    def truth(self, wanted: Iterable[int]) -> dict[int, int | None]:
        """What is in the database now."""
        found: dict[int, int | None] = dict.fromkeys(wanted)
        for kind in {slots.kind_of(slot) for slot in found}:
            rows = [slot - kind.first + 1 for slot in found if slots.kind_of(slot) is kind]
            for row, word in asked().rows(kind.truth, rows):
                found[kind[row - 1]] = word
        return {
            # No vote yet is a word as well.
            slot: PRESENT << 1 if word is None and slots.kind_of(slot) is slots.VOTES else word
            for slot, word in found.items()
        }

    def says(self, slot: int) -> int:
        """What a held slot says in the database, or in this transaction."""
        return says(self.written.get(slot, self._ledger.told[slot]))

    def word(self, slot: int) -> int:
        """The word of a held slot in the database, or in this transaction."""
        return self.written.get(slot, self._ledger.told[slot])

    def exists(self, article: int) -> bool:
        """Whether the article is there; it stays, if something that goes with it is held."""
        return bool(asked().rows("SELECT id FROM library_article WHERE id {these}", [article + 1]))

    def new(self, says: int, *changed: int) -> int:
        """A new word for held slots, the same for all of them."""
        number = 1 + max(self._ledger.numbered[slot] for slot in changed)
        if changed[0] >= slots.VOTES.first and changed[0] < slots.NOTICE.first:
            raise ValueError("votes are counted")
        word = word_of(number, says, doomed=self.doomed)
        for slot in changed:
            self._note(slot, word, number)
        return word

    def add_votes(self, slot: int, count: int) -> int:
        """Say that there are so many votes more: the weight of each."""
        weight = (1 << 8) if not self.doomed else word_of(1, 0, doomed=True)
        word = self.word(slot) + count * weight
        self._note(slot, word, number_of(word))
        return weight

    def gone(self, *changed: int) -> None:
        """These are going to be absent."""
        for slot in changed:
            if self.says(slot) != ABSENT:
                self.new(ABSENT, slot)

    def _note(self, slot: int, word: int, number: int) -> None:
        self._ledger.numbered[slot] = max(number, self._ledger.numbered[slot])
        if not self.doomed:
            self._ledger.attempted[slot] = word
        self.written[slot] = word

    def undo(self, written: dict[int, int]) -> None:
        """What was written since is rolled back."""
        self.written = written

    def committed(self) -> None:
        """The writer was told so: whoever starts reading now must get these, or newer ones."""
        self._ledger.publish(self.written.items())

    def let_go(self) -> None:
        if self._held:
            asked().unlock(self._held)
            self._held = []


Change = Callable[[Hold], None]
