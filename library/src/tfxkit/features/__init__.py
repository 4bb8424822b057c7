"""From raw columns to the inputs of the model, inside the Transform graph."""
