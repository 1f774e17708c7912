"""Which rows are read and written, seen where SQL is executed.

`texts` makes one text of all that differ in the length of a list only, `parsing` finds out what a
text reads and writes, `binding` makes tags of that and of a statement's parameters. `connections`
does so on each of Django's connections, `transactions` keeps what was written until COMMIT, and
`rows` looks at the rows that a query found.
"""
