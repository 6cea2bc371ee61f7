"""Rollout to running servers: staging, shadow, canary, production."""
