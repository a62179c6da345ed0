"""What pytest finds by the entry point. Imports nothing until a fixture is asked for."""
