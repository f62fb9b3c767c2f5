"""Those whom the social-insurance and medical half of a card meets: hospital terminals with their PSAM or HSM, and the insurance centre."""
