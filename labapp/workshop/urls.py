"""Addresses of the workshop: rewards written as code, and algorithms."""

from django.urls import path

from labapp.workshop import algorithm_views, dryrun_views, formula_views, microscope_views, trial_views
from labapp.workshop import reward_views as views

app_name = "workshop"
urlpatterns = [
    path("", views.index, name="index"),
    path("rewards/new/", views.new, name="new"),
    path("rewards/check/", trial_views.check, name="check"),
    path("rewards/try/", dryrun_views.start, name="try"),
    path("rewards/try/<uuid:task>/", dryrun_views.look, name="trial"),
    path("rewards/try/<uuid:task>/data/", dryrun_views.data, name="trial_data"),
    path("rewards/<int:pk>/", views.reward, name="reward"),
    path("rewards/<int:pk>/history/", views.history, name="history"),
    path("rewards/<int:pk>/delete/", views.delete, name="delete"),
    path("formulas/", formula_views.words, name="formulas"),
    path("formulas/check/", formula_views.check, name="check_formula"),
    path("algorithms/", algorithm_views.index, name="algorithms"),
    path("algorithms/new/", algorithm_views.new, name="new_algorithm"),
    path("algorithms/microscope/", microscope_views.start, name="microscope"),
    path("algorithms/microscope/steps/", microscope_views.steps, name="microscope_steps"),
    path("algorithms/microscope/<uuid:task>/", microscope_views.look, name="sight"),
    path("algorithms/<int:pk>/", algorithm_views.algorithm, name="algorithm"),
    path("algorithms/<int:pk>/history/", algorithm_views.history, name="algorithm_history"),
    path("algorithms/<int:pk>/delete/", algorithm_views.delete, name="delete_algorithm"),
]
