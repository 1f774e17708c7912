"""What is announced. Put up by one worker, seen by all."""

import holdfast


class Announcement:
    """An object like any other: it is pickled and signed. Plain data and dataclasses aren't."""

    def __init__(self, text: str) -> None:
        self.text = text


board = holdfast.shared.dict("announcements")
readings = holdfast.shared.counter("announcement-readings")
