"""Log records that show another user's marker than that of the request that writes them."""

from holdfast.probe import events, markers

from .programs import RUN, line_of, observed, troubles

OWN, OTHERS = (markers.marker(RUN, "query", user, 0) for user in (0, 1))
PROGRAM = f"""
import logging
OWN, OTHERS = {OWN!r}, {OTHERS!r}
logging.basicConfig(filename="/dev/null", level=logging.INFO)
logger = logging.getLogger("shop")
"""


def leaks(folder, code):
    found, _ = observed(folder, PROGRAM + code, observe=False)
    assert not troubles(found)
    return [one for one in found if isinstance(one, events.Leak)]


def test_another_users_marker_is_a_leak_with_its_place(tmp_path):
    code = """
with request("0-0"):
    logger.info("asked for %s", OTHERS)
"""
    (leak,) = leaks(tmp_path, code)
    assert (leak.request, leak.marker) == (f"{RUN}-0-0", OTHERS)
    assert leak.place == line_of(tmp_path, "asked for")
    assert leak.where == "log shop"
    assert leak.text.startswith(f"asked for {OTHERS}")


def test_it_is_found_wherever_the_record_may_show_it(tmp_path):
    code = """
with request("0-0"):
    logger.info({"query": OTHERS + "1"})
    logger.info("x", extra={"query": OTHERS + "2"})
    logger.info("y" * 500 + OTHERS.upper())
    try:
        raise ValueError(OTHERS)
    except ValueError:
        logger.exception("z")
"""
    assert len(leaks(tmp_path, code)) == 4


def test_ones_own_marker_is_none_nor_are_those_of_ones_other_requests(tmp_path):
    again = markers.marker(RUN, "header", 0, 7)
    code = f"""
with request("0-1"):
    logger.info(OWN)
    logger.info({again!r})
    logger.info("nothing at all %s", 1)
    logger.debug(OTHERS)  # is not written
logger.info(OTHERS)  # in no request
one = requests.begin("")
logger.info(OTHERS)  # nobody knows whose request this is
requests.end(one)
"""
    assert leaks(tmp_path, code) == []


def test_wrong_arguments_of_a_record_break_nothing(tmp_path):
    code = """
logging.raiseExceptions = False
class Wrong:
    def __str__(self):
        raise ValueError
with request("0-0"):
    logger.info("%d %d", 1)
    logger.info(Wrong())
    logger.info("%s", Wrong())
"""
    found, _ = observed(tmp_path, PROGRAM + code, observe=False)
    assert [one for one in found if isinstance(one, events.Leak)] == []


def test_the_same_leak_is_told_once(tmp_path):
    code = """
for number in range(300):
    with request("0-0"):
        logger.info("asked for %s", OTHERS)
"""
    assert len(leaks(tmp_path, code)) == 1


def test_what_a_handlers_filter_or_formatter_adds_is_looked_at_too(tmp_path):
    code = """
class Serving(logging.Filter):
    def filter(self, record):
        record.user_id = OTHERS
        return True
for handler in logging.getLogger().handlers:
    handler.addFilter(Serving())
    handler.setFormatter(logging.Formatter("%(user_id)s %(message)s"))
with request("0-0"):
    logger.info("buys")
"""
    (leak,) = leaks(tmp_path, code)
    assert leak.marker == OTHERS
    assert leak.text.endswith("buys")
    assert leak.place == line_of(tmp_path, "buys")
