"""The doctor: finds state in the wrong place by reading the code, without importing or running it.

    sources     finds Python files and reads them, whatever state they are in
    index       what other files need to know of one: its names, classes, functions
    project     all indexes together: what a name means, what a class inherits, who calls whom
    lifetimes   how long objects of a class live, and which code requests reach
    rules/      one file for each rule: what it looks for, and why
    findings    what a rule finds

It needs the standard library only. Mending (`--fix`) needs LibCST.
"""
