"""On what kind of worker work in the background runs."""

from tests.fresh_process import output_of

AROUND = """
    import threading
    import gevent
    from holdfast.cache import background
    done = threading.Event()
    def job():
        print(threading.get_ident() == here, gevent.getcurrent().parent is not None)
        done.set()
    here = threading.get_ident()
"""


def test_where_gevent_was_used_once_it_runs_in_a_thread_as_nobody_comes_back_to_the_hub():
    said = output_of(f"""{AROUND}
    gevent.sleep(0)  # from here on this thread has a hub
    background.start_thread(job)
    assert done.wait(30)
    """)
    assert said == "False False"


def test_in_a_greenlet_it_runs_in_another_one_also_without_a_patch():
    said = output_of(f"""{AROUND}
    def main():
        background.start_thread(job)
        gevent.sleep(0)
        gevent.sleep(0)
        assert done.is_set()
    gevent.spawn(main).join()
    """)
    assert said == "True True"


def test_in_a_patched_program_it_runs_in_a_greenlet():
    said = output_of(f"""
    import gevent.monkey
    gevent.monkey.patch_all()
    {AROUND}
    background.start_thread(job)
    assert done.wait(30)
    """)
    # A patched thread's identity is its greenlet's.
    assert said == "False True"


def test_a_job_that_is_cancelled_takes_no_worker_with_it():
    said = output_of("""
    import asyncio
    import threading
    from holdfast.cache import background
    # It is told of as any thread's end by an exception: not what this is about.
    threading.excepthook = lambda _: None
    def cancelled():
        raise asyncio.CancelledError
    for _ in range(3 * background.MOST_THREADS):
        background.start_thread(cancelled)
    done = threading.Event()
    for _ in range(100):
        background.start_thread(done.set)
        if done.wait(0.1):
            break
    print(done.is_set())
    """)
    assert said == "True"
