"""Spreads a sweep over several machines, with KerasTuner's chief and workers.

    export KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000
    export SWEEP="examples/sweep_with_keras_tuner.py nram/access --output runs/tuner"
    KERASTUNER_TUNER_ID=chief python $SWEEP &
    KERASTUNER_TUNER_ID=worker0 python $SWEEP &
    KERASTUNER_TUNER_ID=worker1 python $SWEEP &
    wait
    keras-nm sweep nram/access --output runs/tuner

The chief, which trains nothing, hands out seeds; a worker takes the next one as soon as it
is free, and workers can join at any time. They write to a directory that all of them see,
and its runs are those of `keras-nm sweep`: the last command, of as many seeds, finds them
trained and measured, and writes the table and the charts. It also goes on with what a
worker that died has left behind. Needs KerasTuner: keras_nm[tuner].
"""

import argparse
from pathlib import Path

import keras_tuner

from keras_nm.tasks import TASKS
from keras_nm.training import RECIPES, train_and_measure


class Sweep(keras_tuner.GridSearch):
    """Trains a recipe from a seed, where KerasTuner would build a model and fit it."""

    def __init__(self, task, seeds, directory):
        self.task, self.runs = task, directory
        layers = list(RECIPES[task])
        settings = keras_tuner.HyperParameters()
        settings.Choice("layer", layers)
        settings.Choice("seed", list(range(seeds)))
        super().__init__(
            hyperparameters=settings,
            objective=keras_tuner.Objective("none", "min"),
            directory=directory,
            # KerasTuner goes on with a project, and with the seeds that it began with.
            project_name=f"tuner-{seeds}",
            max_consecutive_failed_trials=1 + seeds * len(layers),
        )

    def run_trial(self, trial):
        layer, seed = trial.hyperparameters.get("layer"), trial.hyperparameters.get("seed")
        directory, lengths = self.runs / f"{layer}-{seed}", TASKS[self.task].lengths
        recipe = RECIPES[self.task][layer]
        train_and_measure(recipe, {seed: directory}, lengths)
        print(f"{self.tuner_id}: {directory.name}", flush=True)
        return {"none": 0.0}  # all seeds are trained, whichever is better


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=sorted(RECIPES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    Sweep(options.task, options.seeds, options.output.resolve()).search()


if __name__ == "__main__":
    main()
