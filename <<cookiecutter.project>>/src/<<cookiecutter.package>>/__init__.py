"""<< cookiecutter.description.rstrip('.') >>."""
