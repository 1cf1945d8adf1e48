"""Archives, arrays and other packed files become rows of pixels."""
