"""The web side of Merit: Django, Channels and Plotly; it never imports torch."""
