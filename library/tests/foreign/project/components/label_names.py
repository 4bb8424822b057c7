def name_of(label):
    return "tipped" if label else "not tipped"
