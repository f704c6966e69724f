# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Maps the rooms hw/, sw/ and sim/ to the packages firebrick.hw, firebrick.sw and firebrick.sim."""

from setuptools import find_packages, setup

rooms = ("hw", "sw", "sim")
names = [name for room in rooms for name in (room, *(f"{room}.{package}" for package in find_packages(room)))]
packages = {f"firebrick.{name}": name.replace(".", "/") for name in names}

setup(
    packages=list(packages),
    package_dir=packages,
    package_data={"": ["py.typed", "models/*.fire", "static/*", "templates/*.j2", "*.v", "*.cpp", "*.json"]},
)
