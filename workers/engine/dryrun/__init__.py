"""What a reward does before anything is trained with it: a dry run on samples, and probes of its properties.

Reading order: `samples.py` (what comes in), `judging.py` (who scores, kept warm), `scores.py`, `components.py`,
`histograms.py`, `labels.py`, `length.py`, `lengths.py`, `ranking.py`, `drawing.py` (what is told of the scores),
`probing.py` and `evidence.py` (texts that should earn less), `report.py` (all of it).
"""

from workers.engine.dryrun.report import dry_run

__all__ = ["dry_run"]
