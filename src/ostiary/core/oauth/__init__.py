"""The rules of OAuth: who may ask for what, and which tokens still mean something. As pure as the rest of the core."""
