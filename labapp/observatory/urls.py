"""Addresses under `/runs/<run>/` that the widgets of a run read."""

from django.urls import path

from labapp.observatory import views
from labapp.workshop import replay_views

app_name = "observatory"
urlpatterns = [
    path("<uuid:run_id>/rollouts/", views.rollouts, name="rollouts"),
    path("<uuid:run_id>/rollouts.csv", views.rollouts_csv, name="rollouts_csv"),
    path("<uuid:run_id>/rollouts/<int:step>/<int:index>/", views.strip, name="strip"),
    path("<uuid:run_id>/tree/", views.tree, name="tree"),
    path("<uuid:run_id>/front/", views.front, name="front"),
    path("<uuid:run_id>/curves/", views.curves, name="curves"),
    path("<uuid:run_id>/replay/", replay_views.start, name="replay"),
    path("<uuid:run_id>/replay/<uuid:task>/", replay_views.look, name="replayed"),
    path("<uuid:run_id>/metrics.csv", views.metrics_csv, name="metrics_csv"),
]
