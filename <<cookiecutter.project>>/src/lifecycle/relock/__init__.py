"""Renewing the lock: newer versions of packages, one commit each, back as a gated pull request; and a scan for vulnerabilities."""
