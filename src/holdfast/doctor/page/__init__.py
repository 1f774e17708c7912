"""`holdfast doctor --html`: one page, in one file, with nothing from elsewhere.

    document    the whole page
    picture     where state lives, and which findings are there
    chain       the middleware chain, from the settings or as it was loaded
    findings    the list, and what filters it
    markup      text as HTML: everything is escaped

What stands in a project's source is not trusted: it is escaped, and the page's policy lets no
script run but the page's own.
"""
