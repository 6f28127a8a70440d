"""The health report of a run: audits of what was stored. Each says what is seen, by which rule, and shows where; none
foretells anything."""
