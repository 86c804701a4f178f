"""Packaging of keras_nm; build system and tool settings are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (ROOT / "keras_nm/version.py").read_text(encoding="utf-8")
)[1]

setup(
    name="keras_nm",
    version=VERSION,
    description="Neural machines for Keras: recurrent layers with external memory",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The keras_nm authors",
    license_expression="Apache-2.0",
    keywords=[
        "Keras",
        "Neural Turing Machine",
        "Differentiable Neural Computer",
        "Neural Random-Access Machine",
        "Stack-RNN",
        "Tape-RNN",
        "Neural GPU",
        "Neural Programmer-Interpreter",
        "memory-augmented neural networks",
    ],
    packages=find_packages(include=["keras_nm", "keras_nm.*", "keras_nm_cli"]),
    package_data={"keras_nm.page": ["static/*"]},
    python_requires=">=3.11",
    install_requires=[
        "keras>=3.15,<4",
        "tensorflow>=2.21",
        "tensorflow-datasets>=4.9.10",
        # tensorflow-datasets imports it without asking for it.
        "importlib_resources",
        "tensorboard>=2.20",
        # Protocol buffers only.
        "tensorflow-serving-api>=2.21",
    ],
    extras_require={
        "plot": ["matplotlib>=3.9"],
        "serve": ["aiohttp>=3.11"],
        "jax": ["jax>=0.6"],
        # Pages also need npm, which is not a Python package.
        "page": ["tf2onnx>=1.17"],
        # Sweeps over several machines.
        "tuner": ["keras-tuner>=1.4.8"],
        # What exported models are tested in, beside TensorFlow.
        "runtimes": [
            "ai-edge-litert>=2.3",
            "onnxruntime>=1.31",
            "openvino>=2026.4",
            "tf2onnx>=1.17",
        ],
        # The site. Jupytext turns its tutorials into scripts.
        "docs": ["furo", "jupytext>=1.16", "myst-nb>=1.3", "sphinx>=8"],
        "test": [
            "build>=1.2",
            "dill",
            "hypothesis>=6.100",
            "playwright>=1.50",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ruff>=0.17,<0.18",
        ],
    },
    entry_points={"console_scripts": ["keras-nm = keras_nm_cli:main"]},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
