"""Networks and the layers they are made of, shared by several papers."""
