"""Mending what the doctor found: `holdfast doctor --fix`. Needs LibCST, from the extra `doctor`.

    mending     goes through findings, has each mended or refused, and proves what came out
    code        one file as LibCST sees it, found by the places that a finding names
    imports     what a mended file imports now, and no longer
    blocking    whether code may run on the event loop
    s1_...      one file for each class of findings: `mend(finding, code)`

Each mend is sure or refuses, with a line that says why. Whatever was mended is looked at again: if
the finding is still there, or a new one is, the file stays as it was.
"""
