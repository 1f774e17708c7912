"""The global request: code far from the view asks for the request that nobody handed to it."""

import re

from demonstration.site import Site, at_once
from demonstration.tally import Tally
from demonstration.visitor import Answer

TITLE = "The global request"
MEANING = "code far from the view asks for it"
RECEIVER = "signal receiver had none"
METHOD = "model method had none"
TAG = "template tag had none"
THREAD = "thread had none"
STREAM = "streamed body had none"
FOREIGN = "somebody else's request"
FAILED = "failed otherwise"
KINDS = (RECEIVER, METHOD, TAG, THREAD, STREAM, FOREIGN, FAILED)
UNEXPECTED = (FOREIGN, FAILED)

USERS = 12
COMMENTS = 2
SHARE = re.compile(r'id="share" href="([^"]*)" data-comment="(\d+)"')
READER = re.compile(r'id="reader">([^<]*)<')


def drive(site: Site) -> Tally:
    tally = Tally(KINDS)
    names = [f"{site.variant}-{number}" for number in range(USERS)]
    for seen_by_user in at_once(lambda name: comment_and_export(site, name), names):
        for kind, right, seen, answer in seen_by_user:
            tally.note(kind, wrong=not seen, reason=answer.summary)
            tally.note(FOREIGN, wrong=bool(seen) and seen != right, reason=seen)
    return tally


Seen = list[tuple[str, str, str, Answer]]


def comment_and_export(site: Site, name: str) -> Seen:
    """What each place knew while *name* commented: (place, what is right, what it saw, where)."""
    seen: Seen = []
    host = f"http://127.0.0.1:{site.port}"
    with site.visitor() as visitor:
        front = visitor.post("/sign-in/", name=name)
        seen.append((FAILED, "signed in", "signed in" if front.status == 302 else "", front))
        for turn in range(COMMENTS):
            path = f"/articles/1/comment/?by={name}&turn={turn}"
            page = visitor.post(path, text=f"{name} says {turn}")
            link = SHARE.search(page.text)
            if page.status != 201 or link is None:
                seen.append((FAILED, "an answer", "", page))
                continue
            right_link = f"{host}/articles/1/#comment-{link[2]}"
            seen.append((METHOD, right_link, absolute(link[1]), page))
            reader = READER.search(page.text)
            seen.append((TAG, name, reader[1] if reader else "", page))

            traces = visitor.get(f"/api/comments/{link[2]}/")
            seen.append((FAILED, "traces", "traces" if traces.status == 200 else "", traces))
            trace = traces.data or {}
            audit, notices = trace.get("audit") or [{}], trace.get("notices") or [{}]
            seen.append((RECEIVER, f"{name} {path}", known(audit[0], "who", "path"), traces))
            seen.append((THREAD, right_link, absolute(notices[0].get("link", "")), traces))
        style = "async/" if site.is_async else ""
        export = visitor.get(f"/articles/1/{style}comments.txt")
        links = [line.split("\t")[0] for line in export.text.splitlines()] or [""]
        lost = [link for link in links if not link.startswith(host)]
        # One wrong line makes the export wrong; a foreign host in it is worse than none.
        seen.append((STREAM, host, absolute(lost[0]) if lost else host, export))
    return seen


def absolute(link: str) -> str:
    """The link, if somebody knew the host; a relative one was made without a request."""
    return link if link.startswith("http") else ""


def known(entry: dict[str, str], *names: str) -> str:
    values = [entry.get(name, "") for name in names]
    return " ".join(values) if all(values) else ""
