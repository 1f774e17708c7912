"""RQ and django-rq: jobs carry the id of the request that sent them.

RQ = {"JOB_CLASS": "holdfast.log.jobs.rq.Job"}       # django-rq's setting
Queue(connection=..., job_class=Job)                 # RQ alone; and: rq worker --job-class
"""

from __future__ import annotations

from typing import Any

import rq.job

from . import KEY, incoming, outgoing


class Job(rq.job.Job):
    """A job that knows which request sent it: in its `meta`, under "holdfast"."""

    @classmethod
    def create(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a job where it is sent."""
        job = super().create(*args, **kwargs)
        if KEY not in job.meta and (sent := outgoing()):
            job.meta[KEY] = sent
        return job

    def perform(self) -> Any:
        """Run it in the worker."""
        with incoming(self.meta.get(KEY), f"job {self.func_name}"):
            return super().perform()
