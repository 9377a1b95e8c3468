"""The cases by what they are about; `bench.cases` has them all in the order of the table."""
