"""What users define: rewards as code, data sets; every save is a new immutable version."""
