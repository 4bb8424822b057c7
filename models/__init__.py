"""What is learned: the dataset's description, the features, the Keras model and its signatures."""
