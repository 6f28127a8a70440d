"""Addresses of the workshop: rewards, formulas and algorithms."""

from django.urls import path
from django.views.generic import RedirectView

from labapp.workshop import (
    algorithm_views,
    compare_views,
    dryrun_views,
    formula_views,
    microscope_views,
    tree_views,
    trial_views,
)
from labapp.workshop import reward_views as views

app_name = "workshop"
urlpatterns = [
    path("", views.index, name="index"),
    path("rewards/", RedirectView.as_view(pattern_name="workshop:index")),  # what the addresses of rewards begin with
    path("rewards/new/", views.new, name="new"),
    path("rewards/new/parts/", views.new_tree, name="new_tree"),
    path("rewards/parts/step/", tree_views.step, name="tree_step"),
    path("rewards/parts/values/", tree_views.values, name="tree_values"),
    path("rewards/parts/values/<uuid:task>/", tree_views.look, name="tree_look"),
    path("rewards/compare/", compare_views.start, name="start_compare"),
    path("rewards/compare/<uuid:task>/", compare_views.look, name="compared"),
    path("rewards/<int:pk>/compare/", compare_views.page, name="compare"),
    path("rewards/check/", trial_views.check, name="check"),
    path("rewards/words/", trial_views.words, name="words"),
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
