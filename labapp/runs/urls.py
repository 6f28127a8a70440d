"""Addresses of runs: the list, the new-run page, one run and what can be done with it."""

from django.urls import path

from labapp.runs import compare, new_views, views

app_name = "runs"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", new_views.new, name="new"),
    path("compare/", compare.compare, name="compare"),
    path("<uuid:run_id>/", views.detail, name="detail"),
    path("<uuid:run_id>/files/<path:name>", views.download, name="file"),
    *[path(f"<uuid:run_id>/{what}/", views.act, {"what": what}, name=what) for what in views.ACTIONS],
]
