"""Door 1, HTTP. Nothing heavy is imported until a server is wanted."""
