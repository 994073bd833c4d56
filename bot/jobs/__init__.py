"""The door that the clock opens: what is due is worked on."""
