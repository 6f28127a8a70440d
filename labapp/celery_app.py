"""The Celery application. The web side sends tasks by name; only workers import what the names mean."""

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labapp.settings")

app = Celery("merit")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = (Queue("train"), Queue("quick"))
# Imported by a worker when it starts, never by a process that only sends.
app.conf.imports = ("workers.door.tasks",)
