"""The one test of all the sites: one that fails, as the package has the bug."""


def test_requests_are_alone(isolated_requests, client, visits):
    isolated_requests(client, *visits)
