"""The parties around the certificate application: authority with key centre, issuing station, reader program."""
