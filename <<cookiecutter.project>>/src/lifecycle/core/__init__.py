"""What every part uses: settings, contract, tables, metrics, model file, predictions, tracking, git and DVC."""
