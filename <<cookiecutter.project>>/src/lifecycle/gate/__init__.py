"""What blocks a pull request: results recomputed, compared with the base and held against gates.yaml."""
