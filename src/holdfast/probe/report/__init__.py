"""What a probe has seen, as people and programs want it.

looks       one colour, letter and title for each cause, the same everywhere
bars        the users' requests as bars, their time in pieces by cause
lanes       what processes, threads, greenlets and tasks did
text        the report in the terminal; `gantt` draws its picture
page        one HTML page
trace       a file for Perfetto and chrome://tracing
document    `--json`; `compare` reads an earlier one beside it
"""
