"""Which room answers at which address."""

from django.urls import URLPattern, URLResolver, include, path

from labapp import health
from labapp.accounts.home import home, workers
from labapp.accounts.search import search

handler400 = "labapp.errors.bad_request"
handler403 = "labapp.errors.forbidden"
handler404 = "labapp.errors.not_found"
handler500 = "labapp.errors.server_error"

ROOMS = (
    ("library/", "labapp.workshop.library_urls"),
    ("workshop/", "labapp.workshop.urls"),
    ("data/", "labapp.workshop.data_urls"),
    ("runs/", "labapp.runs.urls"),
    ("runs/", "labapp.observatory.urls"),
    ("api/", "labapp.api.urls"),
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("workers/", workers, name="workers"),
    path("search/", search, name="search"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/", include("labapp.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    *[path(prefix, include(module)) for prefix, module in ROOMS],
]
