"""`holdfast doctor --html`, looked at in a real browser."""

import re

import pytest

from holdfast.cli import main
from holdfast.doctor.findings import Finding
from holdfast.doctor.page.chain import from_settings
from holdfast.doctor.page.document import document
from holdfast.doctor.page.markup import text
from holdfast.doctor.reports import Report
from tests.doctor.page.browser import browser

EVIL = "</script><script>window.broken=1</script><img src=x onerror=window.broken=1>"


def finding(code="S1a", **more):
    given = {
        "path": "shop/middleware.py",
        "line": 7,
        "column": 1,
        "end_line": 7,
        "symbol": "Timing.process_request",
        "attribute": "self.started",
        "severity": "error",
        "confidence": "high",
        "message": "two requests at once both write self.started.",
        "mend": "Keep it on the request.",
        "text": "        self.started = time.monotonic()",
    }
    return Finding(code, **{**given, **more})


FINDINGS = [
    finding(),
    finding(message=f"a {EVIL}", text=EVIL, symbol=EVIL, attribute=EVIL, path=f"x{EVIL}.py"),
    finding("S2a", severity="warning", confidence="medium", attribute="recent"),
    finding("S4a", severity="warning", symbol="Timing", attribute="__call__"),
    finding("S10a", severity="info", symbol="Article.save", attribute="cache.delete"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    report = Report(FINDINGS, files=3, lines=1200)
    file = folder / "page.html"
    file.write_text(document(report, f"shop {EVIL}", from_settings(None, FINDINGS)), "utf-8")
    with browser(folder) as found:
        found.open(file.as_uri())
        yield found


def shown(page):
    return page.run("[...document.querySelectorAll('.finding')].filter(f => !f.hidden).length")


@pytest.fixture(autouse=True)
def _all_are_shown(request):
    if "page" in request.fixturenames:
        request.getfixturevalue("page").run(
            "document.getElementById('filters').reset(); document.activeElement.blur();"
            "new Promise(done => setTimeout(done, 20))"
        )


pytestmark = pytest.mark.needs("chromium")


def test_nothing_is_loaded_and_nothing_is_broken(page):
    asked = [one for one in page.events if one.get("method") == "Network.requestWillBeSent"]
    assert all(one["params"]["request"]["url"].startswith("file:") for one in asked)
    assert len(asked) == 1
    methods = {one.get("method") for one in page.events}
    assert "Log.entryAdded" not in methods  # a violation of the policy would be one
    assert "Runtime.exceptionThrown" not in methods


def test_what_a_project_says_is_shown_and_never_run(page):
    assert page.run("window.broken") is None
    assert page.run("document.querySelectorAll('img').length") == 0
    assert EVIL in page.run("document.querySelector('h1').textContent")
    assert EVIL in page.run("document.querySelectorAll('.finding')[1].textContent")


def test_the_policy_lets_no_other_script_and_style_in(page):
    page.run(
        "{ const s = document.createElement('script'); s.textContent = 'window.broken = 2';"
        " document.body.append(s); s.remove(); }"
    )
    assert page.run("window.broken") is None


def test_the_picture_shows_findings_where_the_state_is(page):
    homes = page.run(
        "Object.fromEntries([...document.querySelectorAll('.home')].map(home => ["
        " home.classList[1],"
        " [...home.querySelectorAll(':scope > .chips .chip b')].map(b => b.textContent)]))"
    )
    assert homes == {
        "shared": ["S10"],
        "process": ["S1", "S2"],
        "thread": ["S4"],
        "request": [],
    }
    assert "Timing.started" in page.run("document.querySelector('.process .names').textContent")
    inside = ".shared > .process > .thread > .request"
    assert page.run(f"document.querySelectorAll('{inside}').length") == 1


def test_a_class_in_the_picture_chooses_its_findings(page):
    page.run("document.querySelector('.picture a[data-class=S2]').click()")
    page.run("new Promise(done => setTimeout(done, 20))")
    page.run("new Promise(done => requestAnimationFrame(done))")
    assert page.run("document.getElementById('class').value") == "S2"
    assert shown(page) == 1


def test_findings_are_chosen_by_words_severity_and_confidence(page):
    assert shown(page) == 5
    type_ = (
        "{{ const i = document.getElementById('search'); i.value = {0!r};"
        " i.dispatchEvent(new Event('input', {{bubbles: true}})); }}"
    )
    page.run(type_.format("article SAVE"))
    assert shown(page) == 1
    page.run(type_.format(""))
    page.run("document.querySelector('[value=error]').click()")
    assert shown(page) == 3
    page.run("document.getElementById('high').click()")
    assert shown(page) == 2
    assert page.run("document.getElementById('shown').textContent") == "2 of 5 are shown."


def test_it_can_be_used_by_keys_alone(page):
    page.press("/")
    assert page.run("document.activeElement.id") == "search"
    for letter in "recent":
        page.press(letter)
    assert page.run("document.getElementById('search').value") == "recent"
    page.press("Escape")
    assert page.run("document.activeElement.id") == ""
    assert shown(page) == 5
    page.press("j")
    page.press("j")
    focused = "[...document.querySelectorAll('.finding')].indexOf(document.activeElement)"
    assert page.run(focused) == 1
    page.press("k")
    assert page.run(focused) == 0
    every = "[...document.querySelectorAll('a,input,select,button,summary')]"
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
  for (const e of document.querySelectorAll('h1,h2,h3,p,a,b,span,code,label,summary,legend')) {
    if (!e.textContent.trim() || !e.checkVisibility() || e.className === 'skip') continue;
    const [one, other] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < worst) worst = ratio;
  }
  return worst;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_readable_in_light_and_dark(page, scheme):
    page.media(prefers_color_scheme=scheme)
    back = page.run("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", back)[0]) < 128) == (scheme == "dark")
    assert page.run(CONTRAST) >= 4.5


@pytest.mark.parametrize("width", [320, 375, 768, 1200])
def test_nothing_is_wider_than_the_screen(page, width):
    page.size(width, 800)
    assert page.run("document.documentElement.scrollWidth") <= width
    smallest = page.run(
        "Math.min(...[...document.querySelectorAll('form input[type=search], form button')]"
        ".map(e => e.getBoundingClientRect().height))"
    )
    assert smallest >= 40


def test_the_command_writes_it_and_tells_the_findings_as_ever(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shop = tmp_path / "shop"
    shop.mkdir()
    shop.joinpath("__init__.py").touch()
    shop.joinpath("middleware.py").write_text(
        "class Timing:\n"
        "    def __init__(self, get_response):\n"
        "        self.get_response = get_response\n\n"
        "    def __call__(self, request):\n"
        "        return self.get_response(request)\n"
    )
    shop.joinpath("settings.py").write_text(
        'MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "shop.middleware.Timing"]\n'
    )
    assert main(["doctor", "--no-cache", "--jobs", "1", "--html", "page.html", "."]) == 1
    told = capsys.readouterr()
    assert "S4a" in told.out
    assert told.err == "The page is in page.html.\n"
    written = (tmp_path / "page.html").read_text("utf-8")
    assert "As shop/settings.py:1 has it" in written
    layer = re.search(r'<li class="layer hit"><code>shop\.middleware\.Timing</code>', written)
    assert layer
    assert main(["doctor", "--no-cache", "--html", "nowhere/page.html", "."]) == 2
    assert "nowhere/page.html can't be written" in capsys.readouterr().err


def test_letters_that_deceive_are_shown_as_what_they_are():
    assert text("a\u202eb\x1b<") == "a\\u202eb\\u001b&lt;"
