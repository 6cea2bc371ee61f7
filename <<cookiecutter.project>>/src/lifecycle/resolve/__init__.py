"""Finishing a merge, rebase or cherry-pick of branches that both retrained."""
