"""What blocks a pull request: results recomputed, compared with the base and checked against gates.yaml."""
