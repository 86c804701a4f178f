"""Prints output that several commands share."""


def words(name):
    """Returns a name as words."""
    return name.replace("_", " ")


def print_table(title, rows):
    """Prints a row of numbers for each case as soon as it is ready."""
    for index, (case, results) in enumerate(rows):
        if index == 0:
            print(f"{title:8s}", *map(words, results), sep="  ")
        cells = [f"{case:8}"]
        for name, value in results.items():
            number = f"{value:.4f}" if isinstance(value, float) else str(value)
            cells.append(number.rjust(len(name)))
        print(*cells, sep="  ", flush=True)


def report(run, directory):
    """Prints the result of a training."""
    result = dict(run.result)
    num_examples = result.pop("examples")
    measured = ", ".join(f"{words(name)} {value:.4f}" for name, value in result.items())
    print(
        f"Trained on {num_examples} examples. At length {run.task.max_length}: {measured}. "
        f"The run is in {directory}"
    )
