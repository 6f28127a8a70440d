"""Addresses of people and teams; allauth's own follow under the same prefix."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
