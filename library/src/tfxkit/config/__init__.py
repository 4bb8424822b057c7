"""Configuration: the description of the data, and all settings; imports no TensorFlow."""
