"""Addresses of the library."""

from django.urls import path

from labapp.workshop import exhibit_views
from labapp.workshop import library_views as views

app_name = "library"
urlpatterns = [
    path("", views.index, name="index"),
    path("<slug:kind>/<slug:name>/", views.method, name="method"),
    path("<slug:kind>/<slug:name>/probe/", views.probe, name="probe"),
    path("<slug:kind>/<slug:name>/exhibit/", exhibit_views.exhibit, name="exhibit"),
    path("<slug:kind>/<slug:name>/exhibit/start/", exhibit_views.start, name="exhibit-start"),
]
