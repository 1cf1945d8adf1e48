"""How the embedded feature networks were trained."""
