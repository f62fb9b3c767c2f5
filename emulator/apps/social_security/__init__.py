"""The social security application: authentication, PINs, maintenance."""
