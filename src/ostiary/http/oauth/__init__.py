"""The OAuth door: what clients call. What people see on the way is with the pages."""
