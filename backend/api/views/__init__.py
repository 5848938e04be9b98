"""What clients send and see, in a module for each area's routes.

Every text has a limit; identity numbers and phones are masked. Instants are RFC 3339 in UTC; dates
are dates in China; money is in fen (0.01 yuan). `of` takes Any where the tables hold text that
their own rules keep within a Literal.
"""
