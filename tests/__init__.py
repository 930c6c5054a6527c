"""Tests; a package of its own, since a library in site-packages brings one of the same name."""
