"""The papers that the tasks come from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """The source of some tasks.

    Args:
        name: Authors and year.
        url: The paper's address.
        citation: BibTeX.
    """

    name: str
    url: str
    citation: str


GRAVES = Paper(
    "Graves et al. 2014",
    "https://arxiv.org/abs/1410.5401",
    """@article{graves2014neural,
  title={Neural Turing Machines},
  author={Graves, Alex and Wayne, Greg and Danihelka, Ivo},
  journal={arXiv preprint arXiv:1410.5401},
  year={2014}
}""",
)

KURACH = Paper(
    "Kurach et al. 2016",
    "https://arxiv.org/abs/1511.06392",
    """@inproceedings{kurach2016neural,
  title={Neural Random-Access Machines},
  author={Kurach, Karol and Andrychowicz, Marcin and Sutskever, Ilya},
  booktitle={International Conference on Learning Representations},
  year={2016}
}""",
)

JOULIN = Paper(
    "Joulin and Mikolov 2015",
    "https://arxiv.org/abs/1503.01007",
    """@inproceedings{joulin2015inferring,
  title={Inferring Algorithmic Patterns with Stack-Augmented Recurrent Nets},
  author={Joulin, Armand and Mikolov, Tomas},
  booktitle={Advances in Neural Information Processing Systems},
  year={2015}
}""",
)

REED = Paper(
    "Reed and de Freitas 2016",
    "https://arxiv.org/abs/1511.06279",
    """@inproceedings{reed2016neural,
  title={Neural Programmer-Interpreters},
  author={Reed, Scott and de Freitas, Nando},
  booktitle={International Conference on Learning Representations},
  year={2016}
}""",
)

KAISER = Paper(
    "Kaiser and Sutskever 2016",
    "https://arxiv.org/abs/1511.08228",
    """@inproceedings{kaiser2016neural,
  title={Neural {GPU}s Learn Algorithms},
  author={Kaiser, {\\L}ukasz and Sutskever, Ilya},
  booktitle={International Conference on Learning Representations},
  year={2016}
}""",
)

DELETANG = Paper(
    "Delétang et al. 2023",
    "https://arxiv.org/abs/2207.02098",
    """@inproceedings{deletang2023neural,
  title={Neural Networks and the {Chomsky} Hierarchy},
  author={Del{\\'e}tang, Gr{\\'e}goire and Ruoss, Anian and Grau-Moya, Jordi
    and Genewein, Tim and Wenliang, Li Kevin and Catt, Elliot and Cundy, Chris
    and Hutter, Marcus and Legg, Shane and Veness, Joel and Ortega, Pedro A.},
  booktitle={International Conference on Learning Representations},
  year={2023}
}""",
)

CSORDAS = Paper(
    "Csordás and Schmidhuber 2019",
    "https://arxiv.org/abs/1904.10278",
    """@inproceedings{csordas2019improving,
  title={Improving Differentiable Neural Computers Through Memory Masking,
    De-allocation, and Link Distribution Sharpness Control},
  author={Csord{\\'a}s, R{\\'o}bert and Schmidhuber, J{\\"u}rgen},
  booktitle={International Conference on Learning Representations},
  year={2019}
}""",
)
