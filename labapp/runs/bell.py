"""The bell of a run: an empty message that says "there are new rows". Losing one costs a second, never an event."""

import logging
from functools import partial
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

logger = logging.getLogger("merit.runs")


def group(run_id: UUID | str) -> str:
    """The name of the group that hears the bell of a run."""
    return f"run.{run_id}"


def ring(run_id: UUID | str) -> None:
    """Ring now. A broker that is away is no trouble: every feed also looks once a second."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(group(run_id), {"type": "bell"})
    except (RedisError, OSError) as error:
        logger.warning("the bell of run %s was not heard: %s", run_id, error)


def ring_after_commit(run_id: UUID | str) -> None:
    """Ring once the rows of the present transaction can be read."""
    transaction.on_commit(partial(ring, run_id))
