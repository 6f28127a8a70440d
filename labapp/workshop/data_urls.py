"""Addresses of the data room."""

from django.urls import path

from labapp.workshop import analysis_views, column_views
from labapp.workshop import data_views as views

app_name = "data"
urlpatterns = [
    path("", views.index, name="index"),
    path("upload/", views.upload, name="upload"),
    path("analyse/", analysis_views.new, name="analyse"),
    path("<int:pk>/", views.dataset, name="dataset"),
    path("<int:pk>/upload/", views.upload_again, name="upload_again"),
    path("<int:pk>/delete/", views.delete, name="delete"),
    path("<int:pk>/<int:number>/", views.version, name="version"),
    path("<int:pk>/<int:number>/columns/", column_views.columns, name="columns"),
    path("<int:pk>/<int:number>/discard/", views.discard, name="discard"),
    path("<int:pk>/<int:number>/original/", views.original, name="original"),
    path("<int:pk>/<int:number>/rows.jsonl", views.rows, name="rows"),
    path("<int:pk>/<int:number>/bad.csv", views.bad, name="bad"),
]
