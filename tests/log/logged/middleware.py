"""Middleware that raises."""

from asgiref.sync import iscoroutinefunction, markcoroutinefunction


class fails_where_told:  # noqa: N801 - named as what it does
    sync_capable = async_capable = True

    def __init__(self, get_response):
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request):
        if self.is_async:
            return self.call_async(request)
        self.look_at(request)
        return self.get_response(request)

    async def call_async(self, request):
        self.look_at(request)
        return await self.get_response(request)

    def look_at(self, request):
        if request.path.startswith("/middleware_error/"):
            raise LookupError("middleware")
