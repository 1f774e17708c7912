"""`holdfast probe --html`: one page, in one file, with nothing from elsewhere.

    whole       the page
    data        what its script draws, as compact as it has to be for 1,000 users
    summary     what can be read without a script: the verdict, the findings, where the time went
    *.js        the picture: model, view, drawing, details, and what the reader does

Names, paths and errors may come from anybody: they are escaped, and the page's policy lets no
script run but the page's own. What the server printed is not in it: people post such pages.
"""
