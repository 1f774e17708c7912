from importlib.util import find_spec

from django.urls import path

from shop import book, clients, computing, executors, locks, loops, pages, pools, stock

urlpatterns = [
    # These make nobody wait.
    path("report/", pages.report),
    path("areport/", pages.areport),
    path("counted/", pages.counted),
    path("few/", pages.few_at_a_time),
    path("gathered/", pages.gathered),
    path("threads/", pages.in_threads),
    path("stream/", pages.stream),
    path("astream/", pages.astream),
    path("upload/", pages.upload),
    path("computed/", computing.computed),
    # These do.
    path("locks/ticket/", locks.ticket),
    path("locks/desk/", locks.desk),
    path("locks/file/", locks.file),
    path("locks/audit/", locks.audit),
    path("book/", book.write),
    path("locks/invoice/", locks.invoice),
    path("loops/locked/", loops.locked),
    path("loops/one/", loops.one_at_a_time),
    path("loops/sleep/", loops.sleep),
    path("loops/price/", loops.price),
    path("loops/totals/", loops.totals),
    path("loops/rows/", loops.rows),
    path("loops/digest/", loops.digest),
    path("pools/own/", pools.own),
    path("pools/redis/", pools.from_redis),
    path("pools/postgres/", pools.from_postgres),
    path("pools/partner/", pools.partner),
    path("executors/render/", executors.render),
    path("executors/default/", executors.default),
    path("executors/background/", executors.background),
    path("computing/primes/", computing.primes),
    path("computing/tidy/", computing.tidy),
    path("clients/driver/", clients.driver),
    path("clients/unpatched/", clients.unpatched),
    path("stock/take/", stock.take),
    path("stock/reserve/", stock.reserve),
]

if find_spec("urllib3") is not None:
    from shop import upstream

    urlpatterns.append(path("upstream/", upstream.ask))
