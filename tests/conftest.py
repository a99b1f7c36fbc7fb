"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Tests run side by side on small machines, where a single example may be slow for no reason of its own.
settings.register_profile("agentmem", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agentmem")
