"""What is stored: datasets, runs, judgements and jobs, behind plain verbs on a session; knows no model and no page."""
