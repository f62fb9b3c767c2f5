"""The card on the table: vocabulary, cryptography, operating system, applications, links."""
