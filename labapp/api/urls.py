"""The API's address, /api/v1/, with its OpenAPI document and the page that describes it."""

from django.contrib.auth.decorators import login_required
from django.urls import path
from ninja import NinjaAPI

from labapp.api import errors, happenings, library, runs, serving, workshop
from labapp.api.auth import AUTH
from labapp.api.docs import Page

api = NinjaAPI(
    title="Merit",
    version="1",
    description="Runs, their events, curves and rollouts, methods, data sets, rewards and algorithms of a team.",
    urls_namespace="api",
    auth=AUTH,
    docs=Page(),
    docs_decorator=login_required,
)
errors.install(api)
api.add_router("/methods", library.router)
api.add_router("/runs", runs.router)
api.add_router("/runs", happenings.router)
api.add_router("/datasets", workshop.datasets)
api.add_router("/rewards", workshop.rewards)
api.add_router("/rewards", serving.router)
api.add_router("/algorithms", workshop.algorithms)

urlpatterns = [path("v1/", api.urls)]
