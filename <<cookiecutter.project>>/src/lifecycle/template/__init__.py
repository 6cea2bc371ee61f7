"""Renewing this repo from the template that it was made from."""
