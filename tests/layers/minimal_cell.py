"""A cell as people write their own."""

import keras


class MinimalCell(keras.layers.Layer):
    """The cell of Keras's guide to RNNs. It has one state, and no `get_initial_state`."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.state_size = units
        self.dense = keras.layers.Dense(units)
        self.recurrent = keras.layers.Dense(units, activation="tanh")

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.recurrent.build((None, self.state_size))

    def call(self, inputs, states):
        output = self.dense(inputs) + self.recurrent(states[0])
        return output, [output]

    def get_config(self):
        return {**super().get_config(), "units": self.state_size}
