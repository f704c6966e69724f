# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Maps the folder api/ to the package firebrick, and hw/, sw/ and sim/ to firebrick.hw, firebrick.sw and firebrick.sim."""

from setuptools import find_packages, setup

FILES = ("v", "cpp", "h", "json", "txt")
"""Suffixes of files that are no Python and belong to the package they are in."""
folders = ("hw", "sw", "sim")
names = [name for folder in folders for name in (folder, *(f"{folder}.{package}" for package in find_packages(folder)))]
packages = {"firebrick": "api"} | {f"firebrick.{name}": name.replace(".", "/") for name in names}

setup(
    packages=list(packages),
    package_dir=packages,
    package_data={
        "": [
            "py.typed",
            "models/*.fire",
            "models/accuracy.json",
            "static/*",
            "templates/*.j2",
            "diagrams/*/*",
            *("*." + kind for kind in FILES),
        ]
    },
)
