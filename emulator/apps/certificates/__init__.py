"""The certificate application: PINs under a challenge, SM2 key pairs, certificates, master keys."""
