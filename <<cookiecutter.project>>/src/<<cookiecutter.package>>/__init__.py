"""<< cookiecutter.description >>."""
