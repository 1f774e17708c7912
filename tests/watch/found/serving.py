"""Makes the site's database, and says who visits it: for a server, in a process of its own."""

import json

if __name__ == "__main__":
    import django

    django.setup()
    from found_plugin import made_ready

    print(json.dumps([visit.as_plain() for visit in made_ready()]))
