"""The page, looked at in a real browser."""

import json
import re

import pytest

from holdfast.probe.findings.ideal import ideal_of
from holdfast.probe.report.page import data
from holdfast.probe.report.page.whole import written
from holdfast.probe.report.report import Report
from tests.doctor.page.browser import browser
from tests.probe.report.made import finding, in_turns, report, serial, side_by_side

pytestmark = pytest.mark.needs("chromium")

EVIL = "</script><script>window.broken=1</script><img src=x onerror=window.broken=1>"
#: A frame of a thousand users in two runs takes a few milliseconds to draw; a machine may be busy.
FRAME_MILLISECONDS = 100


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


def opened(page, folder, made, width=1360, height=1000):
    file = folder / "page.html"
    file.write_text(written(made), "utf-8", "backslashreplace")
    page.size(width, height) if page._session else None
    page.open(file.as_uri())
    page.size(width, height)
    page.media(prefers_color_scheme="light")
    settled(page)
    return page


def settled(page):
    page.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    return opened(chromium, tmp_path_factory.mktemp("page"), report())


@pytest.fixture(autouse=True)
def _as_it_was(request):
    if "page" in request.fixturenames:
        page = request.getfixturevalue("page")
        page.size(1360, 1000)
        page.run("scrollTo(0, 0); document.querySelector('canvas').focus()")
        keys(page, "Escape", "0")
        page.run("document.activeElement.blur()")
        settled(page)


def keys(page, *names):
    for name in names:
        page.press(name)
    settled(page)


def view(page):
    return page.run("document.getElementById('stage').drawn.view")


def labels(page, picture=0):
    found = page.run(f"document.getElementById('stage').drawn.labels[{picture}]")
    return [one["words"] for one in found]


def focus(page, picture=0):
    page.run(f"document.querySelectorAll('canvas')[{picture}].focus({{preventScroll: true}})")


def middle(page, across=0.5, down=0.5):
    """A place on the first picture, in the window."""
    box = page.run(
        "document.querySelector('canvas').scrollIntoView({block: 'center'}),"
        " document.querySelector('canvas').getBoundingClientRect().toJSON()"
    )
    return box["x"] + box["width"] * across, box["y"] + box["height"] * down


def mouse(page, kind, x, y, **more):
    page.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
    settled(page)


def told(page):
    return page.run("document.getElementById('details').textContent")


def test_nothing_is_loaded_and_nothing_is_broken(page):
    asked = [one for one in page.events if one.get("method") == "Network.requestWillBeSent"]
    assert [one["params"]["request"]["url"].partition(":")[0] for one in asked] == ["file"]
    methods = {one.get("method") for one in page.events}
    assert not methods & {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}


def test_it_says_first_what_it_was_and_what_it_could_have_been(page):
    assert page.run("document.querySelector('h1').textContent") == (
        "10 users waited for each other: 10.0 s instead of 1.00 s."
    )
    assert "without it" in page.run("document.querySelector('.finding').textContent")


def test_both_runs_are_drawn_on_one_scale_of_time(page):
    assert page.run("document.querySelectorAll('canvas').length") == 2
    widths = page.run("[...document.querySelectorAll('canvas')].map(c => c.clientWidth)")
    assert widths[0] == widths[1] > 400
    tops = page.run(
        "[...document.querySelectorAll('canvas')].map(c => c.getBoundingClientRect().top)"
    )
    assert tops[0] == tops[1]
    for picture in (0, 1):
        assert {"0 s", "8 s", "user 1", "user 10", "at best 1.00 s"} <= set(labels(page, picture))


def test_the_picture_says_who_waited_for_whom(page):
    assert any("behind user 9" in one for one in labels(page))
    assert "Sleep" in labels(page)


def test_bars_have_the_colours_of_the_causes(page):
    dots = page.run(
        "(() => { const c = document.querySelector('canvas'), found = {};"
        " const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " for (let i = 0; i < data.length; i += 4) {"
        "  const key = [data[i], data[i + 1], data[i + 2]].join();"
        "  found[key] = (found[key] || 0) + 1; }"
        " return found; })()"
    )
    assert dots.get("35,147,106", 0) > 3000  # In the view,
    assert dots.get("201,58,134", 0) > 1000  # and waiting for the one thread.


def test_the_wheel_zooms_where_the_pointer_is_once_the_picture_is_in_use(page):
    x, y = middle(page)
    mouse(page, "mouseWheel", x, y, deltaX=0, deltaY=-120)
    whole = view(page)
    focus(page)
    mouse(page, "mouseWheel", x, y, deltaX=0, deltaY=-240)
    zoomed = view(page)
    assert zoomed["length"] < whole["length"] * 0.7
    assert zoomed["begun"] > 0
    mouse(page, "mouseWheel", x, y, deltaX=0, deltaY=2400)
    mouse(page, "mouseWheel", x, y, deltaX=0, deltaY=2400)
    mouse(page, "mouseWheel", x, y, deltaX=0, deltaY=2400)
    assert view(page)["length"] == whole["length"]


def test_the_wheel_with_ctrl_zooms_at_once(page):
    whole = view(page)
    x, y = middle(page)
    mouse(page, "mouseWheel", x, y, deltaX=0, deltaY=-120, modifiers=2)
    assert view(page)["length"] < whole["length"]


def test_dragging_moves_both_pictures(page):
    focus(page)
    keys(page, "+", "+", "+")
    before = view(page)
    x, y = middle(page)
    mouse(page, "mousePressed", x, y, button="left", clickCount=1)
    mouse(page, "mouseMoved", x - 100, y, button="left", buttons=1)
    mouse(page, "mouseReleased", x - 100, y, button="left", clickCount=1)
    after = view(page)
    assert after["begun"] > before["begun"]
    assert after["length"] == before["length"]
    assert labels(page, 0)[:1] == labels(page, 1)[:1]


def test_keys_zoom_move_and_show_all_again(page):
    focus(page)
    whole = view(page)
    keys(page, "+", "+")
    zoomed = view(page)
    assert zoomed["length"] == pytest.approx(whole["length"] / 2.25)
    keys(page, "d")
    assert view(page)["begun"] > zoomed["begun"]
    keys(page, "a", "a")
    assert view(page)["begun"] < zoomed["begun"]
    keys(page, "-")
    assert view(page)["length"] == pytest.approx(whole["length"] / 1.5)
    keys(page, "0")
    assert view(page) == whole


def test_buttons_zoom_for_who_has_neither_wheel_nor_keys(page):
    whole = view(page)
    page.run("document.querySelector('button[aria-label=\"Zoom in\"]').click()")
    settled(page)
    assert view(page)["length"] == pytest.approx(whole["length"] / 1.5)
    page.run("document.querySelector('button[aria-label=\"Zoom out\"]').click()")
    page.run("document.querySelector('button[aria-label=\"Zoom in\"]').click()")
    page.run("document.querySelector('button[aria-label=\"Show all of it\"]').click()")
    settled(page)
    assert view(page) == whole


def test_pointing_at_a_request_tells_what_it_waited_for(page):
    x, y = middle(page, 0.3, 0.85)
    mouse(page, "mouseMoved", x, y)
    assert "waited for the one thread of sync code" in told(page)
    assert "shared.middleware.ApiLogger" in told(page)
    assert "behind user" in page.run("document.querySelector('.tip').textContent")
    mouse(page, "mouseMoved", x, 2)
    assert "Point at a request" in told(page)


def test_arrow_keys_go_from_request_to_request_and_are_said_aloud(page):
    focus(page)
    keys(page, "ArrowDown", "ArrowDown", "ArrowDown")
    said = page.run("document.getElementById('said').textContent")
    assert said.startswith("user 3, GET /api/sleep/: 200, after 3.01 s, waited for the one thread")
    assert said.endswith("behind user 2.")
    keys(page, "ArrowRight", "ArrowRight")
    assert page.run("document.querySelectorAll('.pieces .now').length") == 1
    keys(page, "Escape")
    assert "Point at a request" in told(page)


def test_a_cause_in_the_legend_is_lit_and_the_others_fade(page):
    colour = (
        "(() => { const c = document.querySelector('canvas');"
        " const data = c.getContext('2d').getImageData(0, 75, c.width, c.height - 75).data;"
        " let n = 0;"
        " for (let i = 0; i < data.length; i += 4)"
        "  if (data[i] === 35 && data[i + 1] === 147 && data[i + 2] === 106) n += 1; return n; })()"
    )
    before = page.run(colour)
    buttons = "[...document.querySelectorAll('.legend button')]"
    button = f"{buttons}.find(b => b.textContent.startsWith('waited'))"
    page.run(f"{button}.click()")
    settled(page)
    assert page.run(f"{button}.getAttribute('aria-pressed')") == "true"
    assert page.run(colour) < before / 10
    page.run(f"{button}.click()")
    settled(page)
    assert page.run(colour) == before


def test_a_finding_leads_to_the_picture(page):
    page.run("document.querySelector('.finding .show').click()")
    settled(page)
    assert page.run("document.activeElement.tagName") == "CANVAS"
    assert page.run("document.querySelector('.legend [aria-pressed=true]').textContent").startswith(
        "waited for the one thread"
    )
    page.run("document.querySelector('.legend [aria-pressed=true]').click()")


def choose(page, select, value):
    page.run(
        f"{{ const s = document.querySelectorAll('#tools select')[{select}]; s.value = {value!r};"
        " s.dispatchEvent(new Event('change')); }"
    )
    settled(page)


def test_processes_threads_and_tasks_have_lanes(page):
    choose(page, 0, "lanes")
    try:
        assert {"gunicorn, process 4211", "thread 2", "tasks (1)", "tasks (10)"} <= set(
            labels(page)
        )
        x, top = middle(page, 0.3, 0)
        row = page.run(
            "document.getElementById('stage').drawn.labels[0].find(l => l.words === 'thread 2').y"
        )
        mouse(page, "mouseMoved", x, top + row + 7)
        assert "site.views.Sleep" in told(page)
    finally:
        choose(page, 0, "users")


def test_the_order_of_users_and_the_run_beside_are_the_reader_s_choice(page):
    choose(page, 1, "slowest")
    first = next(one for one in labels(page) if one.startswith("user "))
    choose(page, 1, "answered")
    assert first == "user 10"
    choose(page, 2, "0")
    assert page.run("document.querySelectorAll('canvas').length") == 1
    choose(page, 2, "1")
    assert page.run("document.querySelectorAll('canvas').length") == 2


def test_everything_has_a_name_and_can_be_reached_by_keys(page):
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "combobox", "application", "link", "region", "DisclosureTriangle"}
    nameless = [
        node["role"]["value"]
        for node in nodes
        if not node["ignored"]
        and node["role"]["value"] in roles
        and not node.get("name", {}).get("value", "").strip()
    ]
    assert nameless == []
    every = "[...document.querySelectorAll('a,select,button,summary,canvas')]"
    assert page.run(f"{every}.every(e => e.tabIndex >= 0)")


CONTRAST = """
(() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  let worst = 21;
  for (const e of document.querySelectorAll('h1,h2,h3,p,a,b,span,code,dt,dd,label,button')) {
    if (!e.textContent.trim() || !e.checkVisibility() || e.className === 'skip') continue;
    const [one, other] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    worst = Math.min(worst, (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05));
  }
  return worst;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_readable_in_light_and_dark(page, scheme):
    page.media(prefers_color_scheme=scheme)
    settled(page)
    back = page.run("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", back)[0]) < 128) == (scheme == "dark")
    assert page.run(CONTRAST) >= 4.5
    written_in = page.run(
        "document.getElementById('stage').drawn.labels[0].find(l => l.words === 'user 1').colour"
    )
    assert (int(written_in[1:3], 16) > 128) == (scheme == "dark")
    page.media(prefers_color_scheme="light")
    settled(page)


def test_on_paper_it_is_dark_on_white_whatever_the_screen_was(page):
    page.media(prefers_color_scheme="dark")
    settled(page)
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("getComputedStyle(document.documentElement).getPropertyValue('--card')") in {
        "#ffffff",
        "#fff",
    }
    page.run("dispatchEvent(new Event('afterprint'))")
    page.media(prefers_color_scheme="light")
    settled(page)
    pdf = page.ask("Page.printToPDF")["data"]
    assert len(pdf) > 20_000


@pytest.mark.parametrize("width", [320, 375, 768, 1200])
def test_nothing_is_wider_than_the_screen(page, width):
    page.size(width, 800)
    settled(page)
    assert page.run("document.documentElement.scrollWidth") <= width
    covered = overlapping(page)
    assert not covered


def overlapping(page):
    """Labels on the pictures that cover each other."""
    return page.run(
        "document.getElementById('stage').drawn.labels.flatMap((all) => all.flatMap((a, i) =>"
        " all.slice(i + 1).filter((b) => a.clipped === b.clipped && a.x < b.x + b.width"
        " && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)"
        ".map((b) => [a.words, b.words])))"
    )


@pytest.fixture(scope="module")
def crowd(chromium, tmp_path_factory):
    return opened(chromium, tmp_path_factory.mktemp("crowd"), report(1000, seconds=0.01))


class TestAThousandUsers:
    def test_are_readable_and_no_label_covers_another(self, crowd):
        assert not overlapping(crowd)
        named = [one for one in labels(crowd) if one.startswith("user ")]
        assert 5 <= len(named) <= 60
        focus(crowd)
        for _ in range(12):
            keys(crowd, "+")
            assert not overlapping(crowd)
        named = [one for one in labels(crowd) if one.startswith("user ")]
        assert len(named) >= 15  # each of which is a row of its own now
        numbers = [int(one[5:]) for one in named]
        assert numbers == list(range(numbers[0], numbers[0] + len(named)))
        keys(crowd, "0")

    def test_are_drawn_quickly(self, crowd):
        focus(crowd)
        times = []
        for name in ["+", "d", "+", "a", "-", "d", "-", "0"] * 3:
            keys(crowd, name)
            times.append(crowd.run("document.getElementById('stage').drawn.milliseconds"))
        assert sorted(times)[len(times) // 2] < FRAME_MILLISECONDS

    def test_who_is_served_is_seen_among_all_who_wait(self, crowd):
        keys(crowd, "0")
        green = crowd.run(
            "(() => { const c = document.querySelector('canvas'); let n = 0;"
            " const d = c.getContext('2d').getImageData(80, 75, c.width - 90, c.height - 80).data;"
            " for (let i = 0; i < d.length; i += 4) if (d[i + 1] > d[i] + 20) n += 1;"
            " return n; })()"
        )
        assert green > 500

    def test_their_page_is_small_enough_to_be_sent_around(self, crowd):
        assert crowd.run("document.documentElement.outerHTML.length") < 2_500_000


def test_what_anybody_has_called_something_is_shown_and_never_run(chromium, tmp_path):
    run = serial(2, view=EVIL, path=f"/{EVIL}", name=f"as it is {EVIL}")
    found = finding(
        culprit=EVIL, sentence=EVIL, mend=EVIL, place=EVIL, evidence=(EVIL,), proof=None
    )
    made = Report(["gunicorn", EVIL, "a\u202eb"], [run], ideal_of(run, 4), [found])
    page = opened(chromium, tmp_path, made)
    assert page.run("window.broken") is None
    assert page.run("document.querySelectorAll('img').length") == 0
    assert EVIL in page.run("document.querySelector('.finding').textContent")
    assert EVIL in page.run("document.querySelector('figcaption').textContent")
    focus(page)
    keys(page, "ArrowDown")
    assert EVIL in told(page)
    assert "a\\u202eb" in page.run("document.querySelector('.command').textContent")
    methods = {one.get("method") for one in page.events}
    assert not methods & {"Log.entryAdded", "Runtime.exceptionThrown"}
    page.run(
        "{ const s = document.createElement('script'); s.textContent = 'window.broken = 2';"
        " document.body.append(s); s.remove(); }"
    )
    assert page.run("window.broken") is None


def test_without_a_script_the_findings_and_a_picture_are_there_as_text(chromium, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(written(report()), "utf-8")
    chromium.open(file.as_uri())
    try:
        chromium.ask("Emulation.setScriptExecutionDisabled", value=True)
        chromium.events.clear()
        chromium.ask("Page.reload")
        chromium._wait_for("Page.loadEventFired")
        tree = chromium.ask("Accessibility.getFullAXTree")["nodes"]
        text = json.dumps([node.get("name", {}).get("value", "") for node in tree])
    finally:
        chromium.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert "Serial because of shared.middleware.ApiLogger" in text
    assert "VVVV" in text
    assert "Whole" not in text


def test_users_that_ask_again_have_their_requests_in_one_row(chromium, tmp_path):
    run = in_turns()
    page = opened(chromium, tmp_path, Report(["waitress"], [run], ideal_of(run, 4)), width=700)
    assert not overlapping(page)
    named = [one for one in labels(page) if one.startswith("user ")]
    assert named == [f"user {number}" for number in range(1, 7)]
    assert "503" in labels(page)
    focus(page)
    keys(page, "ArrowDown", *["ArrowRight"] * 3)
    said = page.run("document.getElementById('details').querySelector('h3').textContent")
    assert said.startswith("user 1, GET /: 200, after 50 ms")
    for _ in range(4):
        keys(page, "+")
        assert not overlapping(page)


def test_data_on_the_page_can_not_be_taken_for_markup():
    run = serial(1, view=EVIL, path=f"/{EVIL}&<!--", name=EVIL)
    text = data.written(Report([EVIL], [run], ideal_of(run, 4)))
    assert not set("<>&") & set(text)
    assert EVIL in json.loads(text)["texts"]


def test_a_run_as_good_as_can_be_has_a_page_too(chromium, tmp_path):
    run = side_by_side()
    page = opened(chromium, tmp_path, Report(["uvicorn"], [run], ideal_of(run, 4)))
    assert "side by side" in page.run("document.querySelector('h1').textContent")
    assert page.run("document.querySelectorAll('canvas').length") == 1
    assert not {one.get("method") for one in page.events} & {"Runtime.exceptionThrown"}


def test_where_nobody_was_served_the_page_says_so(chromium, tmp_path):
    run = serial(0)
    page = opened(chromium, tmp_path, Report(["uvicorn"], [run], ideal_of(run, 4)))
    assert page.run("document.querySelector('h1').textContent") == "No user got to ask anything."
    assert not {one.get("method") for one in page.events} & {"Runtime.exceptionThrown"}
