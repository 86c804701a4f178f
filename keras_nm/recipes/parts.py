"""Parts that recipes share: optimizers and controllers, as Keras configurations."""


def falling(learning_rate, steps):
    """Returns a learning rate that falls linearly to a fiftieth."""
    return {
        "module": "keras.optimizers.schedules",
        "class_name": "PolynomialDecay",
        "config": {
            "initial_learning_rate": learning_rate,
            "decay_steps": steps,
            "end_learning_rate": learning_rate / 50,
        },
    }


def graves_rmsprop(learning_rate):
    """Returns RMSProp as in Graves 2013 (arXiv 1308.0850, equations 38 to 45), changed.

    There are three changes. The learning rate falls. The gradient is clipped to a norm
    of 1, which nearly always shortens it: training is gradient descent with momentum in
    steps of one length, and one large gradient undoes less of the training before it. The
    learning rate is 5 to 40 times as high.
    """
    return {
        "class_name": "RMSprop",
        "config": {
            "learning_rate": learning_rate,
            "rho": 0.95,
            "momentum": 0.9,
            "epsilon": 1e-4,
            "centered": True,
            "global_clipnorm": 1.0,
        },
    }


def clipped_adam(learning_rate, steps):
    """Returns Adam with a falling rate, and with the gradient clipped to a norm of 1."""
    return {
        "class_name": "Adam",
        "config": {"learning_rate": falling(learning_rate, steps), "global_clipnorm": 1.0},
    }


def layer_of_keras(name, **config):
    """Returns the configuration of a layer of Keras."""
    return {"module": "keras.layers", "class_name": name, "config": config}


def layer_of_ours(name, **config):
    """Returns the configuration of a layer of this package."""
    return {
        "module": "keras_nm.layers",
        "class_name": name,
        "registered_name": f"keras_nm>{name}",
        "config": config,
    }


LSTM_CONTROLLER = layer_of_keras("LSTMCell", units=100)
FEEDFORWARD_CONTROLLER = layer_of_keras("Dense", units=100, activation="tanh")


def of_sequences(task, *, layer, steps, learning_rate=2e-3, batch_size=4, **settings):
    """Returns the arguments that recipes for the tasks of the NTM paper share."""
    return {
        "task": task,
        "layer": layer,
        "optimizer": graves_rmsprop(falling(learning_rate, steps)),
        "batch_size": batch_size,
        "steps_per_epoch": 250,
        "epochs": steps // 250,
        "stop_below": 0.0,
        **settings,
    }
