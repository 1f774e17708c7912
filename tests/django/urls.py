"""No pages: each file of tests brings its own."""

urlpatterns: list[object] = []
