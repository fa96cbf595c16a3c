"""The offline book in a browser: run by `make browser`."""
