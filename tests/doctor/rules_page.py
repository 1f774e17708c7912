"""Writes docs/doctor/rules.md from the rules: `python -m tests.doctor.rules_page`."""

from itertools import groupby
from pathlib import Path

from holdfast.doctor.classes import title
from holdfast.doctor.codes import class_of
from holdfast.doctor.rules import Rule, all_rules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "doctor" / "rules.md"
_HEAD = """\
# What the doctor looks for

One section for each code: what goes wrong, an example in which the doctor finds it, and the same
example mended. `holdfast doctor --explain S1a` prints the section of a code, and
`--explain S1` those of a class.

A code stays what it is: it is never given to something else. The letter tells rules of a class
apart. Findings whose code begins with `H` are for information: nothing is wrong with the code.

The doctor reads, and runs nothing. It knows how long objects live: Django makes a class-based view
for each request, and one middleware, `ModelAdmin` or feed for a whole process. What the former
keeps on `self` is fine, what the latter keep there is shared by all requests. It follows calls
through the project, so that what a helper does is found where a middleware calls it.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for class_, rules in groupby(all_rules(), key=lambda rule: class_of(rule.code)):
        parts.append(f"## {class_}: {title(class_)}\n")
        parts += [_section(rule) for rule in rules]
    return "\n".join(parts)


def _section(rule: Rule) -> str:
    return f"""\
({rule.code.lower()})=
### {rule.code}: {rule.title}

{rule.reason}

Found:

```py
{rule.wrong.strip()}
```

Mended:

```py
{rule.right.strip()}
```
"""


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
