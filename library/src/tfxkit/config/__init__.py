"""The description of the data and the settings of model and training; imports no TensorFlow."""
