"""`{% load figures %}`: numbers in templates as the pages of rewards write them: a true minus, a dash for None."""

from django import template

from labapp.workshop.dryrun_words import fixed, number, share, signed

register = template.Library()
for write in (number, signed, fixed, share):
    register.filter(write.__name__, write)
