"""The first bytes of a body, as text that may be stored."""

from __future__ import annotations

import re
from email.message import Message
from typing import TYPE_CHECKING

from .json_bodies import HIDDEN, begins_json, redacted_json

if TYPE_CHECKING:
    from .redaction import Redaction

# A charset is a name that anybody can send: only codecs that are harmless.
_CHARSETS = frozenset(
    {
        *("utf-8", "utf8", "utf-8-sig", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1"),
        *("iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "cp1252", "koi8-r"),
        *("utf-16", "utf-16le", "utf-16be", "utf-16-le", "utf-16-be", "utf-32", "shift_jis"),
        *("gb2312", "gbk", "gb18030", "big5", "euc-jp", "euc-kr"),
    }
)


def kind_of(content_type: str) -> str:
    """`application/json`, of `application/json; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


def wanted(content_type: str, kinds: tuple[str, ...]) -> bool:
    """Whether bodies of this type are kept. `text/*` stands for all texts."""
    kind = kind_of(content_type)
    return bool(kind) and (kind in kinds or f"{kind.partition('/')[0]}/*" in kinds)


def body_text(
    taken: bytes | bytearray, content_type: str, encoding: str, redaction: Redaction, whole: int
) -> str:
    """What may be stored of a body.

    Args:
        taken: its first bytes.
        content_type: the header.
        encoding: the header Content-Encoding.
        redaction: what hides.
        whole: how many bytes the body had.
    """
    cut_off = whole > len(taken)
    if encoding and encoding.lower() != "identity":
        return f"<{whole} bytes, encoded>"
    if kind_of(content_type) == "multipart/form-data":
        shown = _multipart(bytes(taken), content_type, redaction)
    else:
        text = _decoded(bytes(taken), content_type)
        if text is None:
            return f"<{whole} bytes in an unknown charset>"
        shown = _text(text, content_type, redaction, whole)
    return f"{shown}…" if cut_off else shown


def _text(text: str, content_type: str, redaction: Redaction, whole: int) -> str:
    kind = kind_of(content_type)
    if kind == "application/x-www-form-urlencoded":
        return redaction.query(text)
    # Whatever it says it is: JSON that is called text/plain is JSON.
    if kind == "application/json" or kind.endswith("+json") or begins_json(text):
        found = redacted_json(text, redaction)
        return f"<{whole} bytes, not JSON>" if found is None else found
    return redaction.text(text)


def _decoded(taken: bytes, content_type: str) -> str | None:
    charset = _parameter(content_type, "charset")
    if charset == "":
        if taken[:2] in (b"\xff\xfe", b"\xfe\xff"):
            charset = "utf-16"
        elif taken[1:2] == b"\x00" and len(taken) > 1:
            charset = "utf-16-le"
        elif taken[:1] == b"\x00":
            charset = "utf-16-be"
        else:
            charset = "utf-8-sig"
    if charset is None or charset.lower() not in _CHARSETS:
        return None
    return taken.decode(charset, "replace")


def _parameter(content_type: str, name: str) -> str | None:
    """A parameter of the header; empty: it has none such, None: nobody knows what it means."""
    if ";" not in content_type or len(content_type) > _LONGEST_TYPE:
        return ""
    message = Message()
    message["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    try:
        found = message.get_param(name)
    except Exception:  # noqa: BLE001 - such as for one that is given both whole and in parts
        return None
    return found if isinstance(found, str) else ""


_LONGEST_TYPE = 300

_DISPOSITION = re.compile(rb"^content-disposition:[^\r\n]*", re.IGNORECASE | re.MULTILINE)


def _multipart(taken: bytes, content_type: str, redaction: Redaction) -> str:
    """`name=value` for each field, `name=<file>` for each file, whose bytes are dropped."""
    boundary = _parameter(content_type, "boundary")
    if not boundary or not boundary.isascii():
        return f"<{len(taken)} bytes without a boundary>"
    shown = []
    for part in (b"\r\n" + taken).split(b"\r\n--" + boundary.encode())[1:]:
        if part.startswith(b"--"):
            break
        head, blank, content = part.partition(b"\r\n\r\n")
        shown.append(_part(head, content if blank else b"", redaction))
    return "&".join(shown)


def _part(head: bytes, content: bytes, redaction: Redaction) -> str:
    line = _DISPOSITION.search(head.strip(b"\r\n"))
    message = Message()
    message["content-disposition"] = (
        line[0].partition(b":")[2].decode("utf-8", "replace") if line else ""
    )
    try:
        name = message.get_param("name", "", "content-disposition")
    except Exception:  # noqa: BLE001 - as above
        name = None
    if not isinstance(name, str):
        return f"?={HIDDEN}"  # forms have no names in other encodings, or in parts
    is_file = b"filename" in head.lower()
    # A type of its own: not the text field of a form.
    has_type = b"content-type:" in head.lower()
    if is_file or (has_type and b"text/plain" not in head.lower()):
        return f"{redaction.text(name)}=<file>"
    if redaction.is_secret(name):
        return f"{redaction.text(name)}={HIDDEN}"
    value = content.decode("utf-8", "replace")
    if begins_json(value):
        value = redacted_json(value, redaction) or HIDDEN
    return f"{redaction.text(name)}={redaction.text(value)}"
