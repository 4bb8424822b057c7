"""Reading of values: what is missing, what is true, and what is a whole number.

Everything that reads values of a data set reads them through this package: `init`, ExampleGen,
`predict`, `serve`. A `Reading` describes the columns, `read_column` applies it to a column of any
Arrow type, `value_reader` to single values as JSON has them.
"""
