"""Preference losses: each file learns from compared or labelled completions with one function `preference`."""
