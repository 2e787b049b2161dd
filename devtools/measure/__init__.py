"""`./dev bench compare` and `./dev profile`: brokers under load, measured from outside."""
