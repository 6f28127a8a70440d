"""`{% load lab %}`: times, states and small curves, written the same way on every page."""

from collections.abc import Sequence
from datetime import datetime

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def ago(when: datetime | None) -> str:
    """`{% ago run.created %}`: a relative time that stays true while the page is open; a dash for None."""
    if when is None:
        return "–"
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        when.isoformat(),
        when.strftime("%Y-%m-%d %H:%M:%S UTC"),
        naturaltime(when),
    )


@register.simple_tag
def state(name: str) -> SafeString:
    """`{% state run.state %}`: icon, word and colour of a state."""
    return format_html('<span class="state" data-state="{}">{}</span>', name, name)


@register.simple_tag
def spark(values: Sequence[float], label: str = "") -> SafeString:
    """`{% spark values "reward" %}`: a curve without axes, with its first and last value in words."""
    if len(values) < 2:
        return SafeString('<span class="quiet">–</span>')
    low, high = min(values), max(values)
    span = high - low if high > low else 1.0
    points = " ".join(
        f"{120 * i / (len(values) - 1):.1f},{26 - 24 * (value - low) / span:.1f}" for i, value in enumerate(values)
    )
    said = f"{label}: from {values[0]:.2f} to {values[-1]:.2f}"
    return format_html(
        '<svg class="spark" viewBox="0 0 120 28" role="img" aria-label="{}"><title>{}</title>'
        '<polyline points="{}"/></svg>',
        said,
        said,
        points,
    )
