"""Addresses of the workshop: rewards written as code."""

from django.urls import path

from labapp.workshop import reward_views as views
from labapp.workshop import trial_views

app_name = "workshop"
urlpatterns = [
    path("", views.index, name="index"),
    path("rewards/new/", views.new, name="new"),
    path("rewards/check/", trial_views.check, name="check"),
    path("rewards/try/", trial_views.start, name="try"),
    path("rewards/try/<uuid:task>/", trial_views.look, name="trial"),
    path("rewards/<int:pk>/", views.reward, name="reward"),
    path("rewards/<int:pk>/history/", views.history, name="history"),
    path("rewards/<int:pk>/delete/", views.delete, name="delete"),
]
