"""Puts the pages and the shipped weights into the wheel, inside the package that reads them; see ``app.ROOT``."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["app", "app.*", "models", "models.*"]), "app.static", "app.weights"],
    package_dir={"app.static": "static", "app.weights": "weights"},
    package_data={"app.static": ["**"], "app.weights": ["*"]},
)
