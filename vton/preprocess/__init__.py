"""From photos to conditions."""
