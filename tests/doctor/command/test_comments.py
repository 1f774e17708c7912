"""`# holdfast: ignore[S2] why`: where it counts, and what is told of the comment itself."""

import textwrap

import pytest


@pytest.fixture
def told(project, found):
    """Examines one file; gives codes and lines, and how many findings comments have left out."""

    def run(text, *words):
        project.put("shop.py", textwrap.dedent(text))
        data = found(*words)
        findings = [(one["code"], one["line"]) for one in data["findings"]]
        return findings, data["summary"]["left_out"]["by_comments"]

    return run


@pytest.mark.parametrize("code", ["S2", "S2a", "S9, S2a", "S2 , S9"])
def test_a_comment_on_the_line_names_the_code_or_its_class(told, code):
    findings, left_out = told(f"""
        seen = {{}}

        def remember(request):
            seen[request.path] = request.user  # holdfast: ignore[{code}] a debug page
    """)
    assert left_out == 1
    assert [code for code, _ in findings] == (["D1b"] if "S9" in code else [])


def test_another_code_is_not_ignored(told):
    findings, left_out = told("""
        seen = {}

        def remember(request):
            seen[request.path] = request.user  # holdfast: ignore[S1] a debug page
    """)
    assert (sorted(findings), left_out) == ([("D1b", 5), ("S2a", 5)], 0)


@pytest.mark.parametrize("line", [1, 2, 3, 4])
def test_it_counts_for_the_whole_statement_on_each_of_its_lines(told, line):
    lines = ["    seen.update(", "        {", "            request.path: request.user}", "    )"]
    lines[line - 1] += "  # holdfast: ignore[S2] a debug page"
    text = "seen = {}\ndef remember(request):\n" + "\n".join(lines) + "\n"
    assert told(text) == ([], 1)


def test_alone_on_its_line_it_counts_for_the_next_statement(told):
    findings, left_out = told("""
        seen = {}
        other = {}

        def remember(request):
            # holdfast: ignore[S2] a debug page
            # that shows what this worker has seen
            seen[request.path] = (
                request.user
            )
            other[request.path] = request.user
    """)
    assert (findings, left_out) == ([("S2a", 11)], 1)


def test_alone_within_a_statement_it_counts_for_that_one(told):
    assert told("""
        seen = {}

        def remember(request):
            seen.update(
                # holdfast: ignore[S2] a debug page
                {request.path: request.user},
            )
    """) == ([], 1)


SYNC = """
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)
"""


@pytest.mark.parametrize(
    "head",
    [
        "class Sync:  # holdfast: ignore[S4] WSGI only",
        "# holdfast: ignore[S4] WSGI only\nclass Sync:",
        "@decorator  # holdfast: ignore[S4] WSGI only\nclass Sync:",
        "# holdfast: ignore[S4] WSGI only\n@decorator\nclass Sync:",
        "class Sync(  # holdfast: ignore[S4] WSGI only\n    object\n):",
    ],
)
def test_at_the_head_of_a_class_it_counts_for_the_head(told, head):
    assert told(f"{head}{SYNC}") == ([], 1)


def test_at_the_head_it_does_not_count_for_what_is_within(told):
    findings, left_out = told("""
        seen = {}

        def remember(request):  # holdfast: ignore[S2] a debug page
            seen[request.path] = request.user
    """)
    assert (sorted(findings), left_out) == ([("D1b", 4), ("S2a", 5)], 0)


def test_in_a_text_it_is_no_comment(told):
    assert told('''
        WRITE = """
        # holdfast: ignore[S2] like this
        """
    ''') == ([], 0)


def test_one_that_ignores_nothing_is_told_of(told):
    assert told("answer = 42  # holdfast: ignore[S2] a registry") == ([("D1b", 1)], 0)


def test_one_without_a_reason_works_and_is_told_of(told):
    findings, left_out = told("""
        seen = {}

        def remember(request):
            seen[request.path] = request.user  # holdfast: ignore[S2]
    """)
    assert (findings, left_out) == ([("D1a", 5)], 1)


@pytest.mark.parametrize("comment", ["ignore", "ignore all of it", "ignore[]", "ignore[S99] x"])
def test_one_that_names_nothing_known_ignores_nothing_and_is_told_of(told, comment):
    findings, left_out = told(f"""
        seen = {{}}

        def remember(request):
            seen[request.path] = request.user  # holdfast: {comment}
    """)
    assert (sorted(findings), left_out) == ([("D1c", 5), ("S2a", 5)], 0)


def test_whether_it_ignores_something_does_not_hang_on_what_is_asked_for(told):
    text = """
        seen = {}

        def remember(request):
            seen[request.path] = request.user  # holdfast: ignore[S2] a debug page
    """
    assert told(text, "--select", "S1,D1") == ([], 1)
    assert told(text, "--severity", "error") == ([], 1)


def test_in_a_file_for_python_2(told):
    text = """
        class TimingMiddleware:
            def process_request(self, request):
                print "hello"
                self.user = request.user  # holdfast: ignore[S1] one thread, one process
    """
    findings, left_out = told(text, "--select", "S1,D1")
    assert (findings, left_out) == ([], 1)
